import { akash } from './akash-subject.ts';
import { describeProvider } from './providers.ts';

describeProvider(akash);
