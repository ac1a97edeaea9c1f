import { TransientError } from '#shared/errors.ts';
import { type InUse, inUse } from '../client/in-use.ts';
import { asObjectsError } from './failure.ts';

/** The life of an object store's client; what fails meanwhile has its code. */
export function objectsLife(): InUse {
  const life = inUse((doing) => new TransientError('objects_unavailable', `${doing}: the object store is closed`));
  return {
    during: (doing, operation) =>
      life.during(doing, operation).catch((error: unknown) => {
        throw asObjectsError(error, doing);
      }),
    end: life.end,
  };
}
