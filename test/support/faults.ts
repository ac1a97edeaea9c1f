/** What every call meets once the process is "dead". Not one of our errors: nothing may catch and mask it. */
class Killed extends Error {}

/**
 * Kills at the n-th call of any wrapped port, before or after its effect; from then on every call fails, as in a process that
 * is gone, until it is revived. A test that walks n from 1 until nothing dies has been killed at every step.
 */
export interface Faults {
  wrap<T extends object>(port: T): T;
  killAt(step: number, when: 'before' | 'after'): void;
  /** True when the kill has happened. */
  revive(): boolean;
}

export function faults(): Faults {
  let calls = 0;
  let at: number | null = null;
  let when: 'before' | 'after' = 'before';
  let dead = false;

  const call = async (run: () => Promise<unknown>): Promise<unknown> => {
    if (dead) throw new Killed('the process is gone');
    calls += 1;
    if (calls !== at) return run();
    // Whatever it answered, nobody is left to hear it.
    if (when === 'after') await run().catch(() => undefined);
    dead = true;
    throw new Killed(`killed ${when} call ${calls}`);
  };
  return {
    wrap: (port) =>
      new Proxy(port, {
        get(target, key, receiver) {
          const member: unknown = Reflect.get(target, key, receiver);
          if (typeof member !== 'function') return member;
          return (...args: unknown[]) => call(async () => Reflect.apply(member, target, args));
        },
      }),
    killAt(step, given) {
      calls = 0;
      at = step;
      when = given;
      dead = false;
    },
    revive() {
      const died = dead;
      at = null;
      dead = false;
      return died;
    },
  };
}
