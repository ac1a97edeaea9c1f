import { describeProvider } from './providers.ts';
import { render } from './render-subject.ts';

describeProvider(render);
