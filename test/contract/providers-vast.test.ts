import { describeProvider } from './providers.ts';
import { vast } from './vast-subject.ts';

describeProvider(vast);
