import { serveFramework } from '#shared/runtime/hosts/framework.ts';
import { hostContract } from './hosts.ts';

hostContract('framework', serveFramework);
