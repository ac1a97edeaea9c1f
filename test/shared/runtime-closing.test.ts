import { describe, expect, test } from 'vitest';
import { closeInTurn, closeTogether, withClosers } from '#shared/runtime/closing.ts';
import { installDrain } from '#shared/runtime/drain.ts';
import { testDeps } from '#test/support/runtime.ts';

const failing = (text: string) => async (): Promise<never> => {
  throw new Error(text);
};

describe('closing', () => {
  test.each([
    ['in turn', closeInTurn],
    ['together', closeTogether],
  ])('%s: everything is closed, whatever the others threw; no error is lost', async (_, close) => {
    const closed: string[] = [];
    const closer = (name: string) => async () => void closed.push(name);
    await close([closer('a'), () => void closed.push('b')]);
    expect(closed).toEqual(['a', 'b']);
    const only = new Error('only');
    await expect(close([closer('c'), () => Promise.reject(only), closer('d')])).rejects.toBe(only);
    const both = close([failing('one'), closer('e'), failing('two'), closer('f')]);
    await expect(both).rejects.toThrow(AggregateError);
    await expect(both).rejects.toMatchObject({ message: 'one; two', errors: [{ message: 'one' }, { message: 'two' }] });
    expect(closed).toEqual(['a', 'b', 'c', 'd', 'e', 'f']);
  });

  test('what is thrown at once counts as well', async () => {
    const closed: string[] = [];
    const thrower = (): never => {
      throw new Error('at once');
    };
    await expect(closeTogether([thrower, () => void closed.push('a')])).rejects.toThrow('at once');
    await expect(closeInTurn([thrower, () => void closed.push('b')])).rejects.toThrow('at once');
    expect(closed).toEqual(['a', 'b']);
  });

  test('work that ends well is answered after its closers, last first', async () => {
    const order: string[] = [];
    const result = await withClosers(async (defer) => {
      defer(() => void order.push('first'));
      defer(() => void order.push('second'));
      return 7;
    });
    expect([result, order]).toEqual([7, ['second', 'first']]);
  });

  test('work that fails is closed too, and its own error comes first', async () => {
    const order: string[] = [];
    const broken = new Error('work');
    await expect(
      withClosers(async (defer) => {
        defer(() => void order.push('closed'));
        throw broken;
      }),
    ).rejects.toBe(broken);
    expect(order).toEqual(['closed']);
    await expect(
      withClosers(async (defer) => {
        defer(failing('closing'));
        throw broken;
      }),
    ).rejects.toMatchObject({ errors: [broken, { message: 'closing' }] });
  });
});

test('a server that cannot be closed does not keep the ports open: exit 1, all closed', async () => {
  const ended: string[] = [];
  const deps = testDeps();
  const { drain, remove } = installDrain({
    signals: [],
    apps: [{ drain: async () => void ended.push('app') }],
    servers: [{ close: failing('the socket is stuck') }, { close: async () => void ended.push('server') }],
    finish: async () => void ended.push('ports'),
    hostClock: deps.hostClock,
    log: deps.log,
    exit: (code) => void ended.push(`exit ${code}`),
  });
  expect(await drain('test')).toBe(1);
  remove();
  expect(ended).toEqual(['app', 'server', 'ports', 'exit 1']);
  expect(deps.lines.at(-1)?.message).toBe('drain failed');
});
