/** Services as they are seen from outside: through the pods that KEDA leaves them, and through what a test alters. */
import { APPS, type AppName } from '../facts.ts';
import type { ClusterState } from '../state.ts';
import { SERVICE_NAMES, type ServiceName } from './index.ts';
import type { SeenService, Service, ServiceReply } from './service.ts';
import type { Worker } from './worker.ts';

/** Changes what a service answers; null: the connection is cut. */
export type ReplyAlteration = (service: ServiceName, path: string, reply: ServiceReply) => ServiceReply | null;

export const isService = (app: AppName): app is AppName & ServiceName =>
  (SERVICE_NAMES as readonly string[]).includes(app);
const isApp = (service: ServiceName): service is AppName & ServiceName => service in APPS;

/** Where jobs are pushed to. */
export const JOBS_PATH = '/jobs';

/** Nobody answers who is down, or where no pod is ready; only who pushes jobs is told why. */
export function seen(
  name: ServiceName,
  service: Service,
  state: ClusterState,
  more: { readonly alteration: () => ReplyAlteration | null; readonly worker: Worker | null },
): SeenService {
  const isThere = (): boolean => !isApp(name) || state.ready(name) > 0;
  return {
    delayMs: service.delayMs,
    answer(request) {
      if (service.isDown()) return null;
      if (more.worker !== null && request.path === JOBS_PATH) return more.worker.take(request);
      if (!isThere()) return null;
      const reply = service.answer(request);
      const alter = more.alteration();
      return alter === null ? reply : alter(name, request.path, reply);
    },
  };
}
