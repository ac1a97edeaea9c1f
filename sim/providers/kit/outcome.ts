import type { FakeRequest, NamedFault, Reply, Route } from './api.ts';

/** A request as it has come in, and what the doors say to it. */
export interface Arrival {
  /** Null: there is no such route. */
  readonly route: Route | null;
  readonly request: FakeRequest;
  /** The answer to a caller who may not; null: it may. */
  readonly refused: Reply | null;
  /** The answer to a call too near to the one before; null: it is not. */
  readonly tooSoon: Reply | null;
}

/** What becomes of it. */
export type Outcome =
  | { readonly kind: 'answer'; readonly reply: Reply; readonly late: boolean }
  | { readonly kind: 'cut' | 'silence'; readonly nativeId?: string };

/** The doors first, then the fault, then the route; but a line breaks before anybody has looked at the key. */
export function outcomeOf(
  { route, request, refused, tooSoon }: Arrival,
  fault: NamedFault | undefined,
  notFound: () => Reply,
): Outcome {
  const answer = (reply: Reply, late = false): Outcome => ({ kind: 'answer', reply, late });
  const broken = fault?.kind === 'reset' ? 'cut' : fault?.kind === 'hang' ? 'silence' : null;
  if (tooSoon !== null) return answer(tooSoon);
  if ((fault?.kind === 'reset' || fault?.kind === 'hang') && !fault.done && broken !== null) return { kind: broken };
  if (refused !== null) return answer(refused);
  if (fault?.kind === 'instead') return answer(fault.reply(request));
  const reply = route === null ? notFound() : route.handle(request);
  const native = reply.nativeId === undefined ? {} : { nativeId: reply.nativeId };
  if (broken !== null) return { kind: broken, ...native };
  if (fault?.kind === 'after') return answer({ ...fault.reply(reply, request), ...native });
  return answer(reply, fault?.kind === 'slow');
}
