import { describe, expect, it } from 'vitest';
import { createNewsLag } from '#shared/learning/fast/news-lag.ts';

describe('how late the ends of runs are heard of', () => {
  it('is nothing while they come within minutes', () => {
    const lag = createNewsLag(0);
    for (let i = 0; i < 1_000; i++) lag.heard(0.1);
    expect(lag.hours()).toBe(0);
    expect(lag.state()).toBeCloseTo(0.1, 3);
  });

  it('is what is usual of late: half of it after fifty ends', () => {
    const lag = createNewsLag(0);
    for (let i = 0; i < 50; i++) lag.heard(40);
    expect(lag.hours()).toBeCloseTo(20, 6);
    for (let i = 0; i < 500; i++) lag.heard(40);
    expect(lag.hours()).toBeGreaterThan(39);
  });

  it('is prompt again when they are', () => {
    const lag = createNewsLag(40);
    for (let i = 0; i < 500; i++) lag.heard(0);
    expect(lag.hours()).toBe(0);
  });

  it('goes on where it was, and a clock that is off makes it nothing', () => {
    const lag = createNewsLag(40);
    expect(createNewsLag(lag.state()).hours()).toBe(40);
    for (let i = 0; i < 2_000; i++) lag.heard(-3);
    expect(lag.hours()).toBe(0);
  });
});
