/** A source of time. Everything that needs time gets one of these; nothing else may call Date.now(). */
export interface Clock {
  /** Milliseconds since the Unix epoch. */
  now(): number;
}

/**
 * Time of the world that is routed in: decided_at, observed_at, ages, forgetting. May run faster than the host
 * (`--speed`); never goes backwards, not over a restart either.
 */
export interface WorldClock extends Clock {
  /** World milliseconds per host millisecond; 1 in production. */
  readonly speed: number;
}

/** Time of the machine: acks, backoff, deadlines, polls. */
export interface HostClock extends Clock {
  /** Calls `run` once after `delayMs`; the answer cancels it. */
  after(delayMs: number, run: () => void): () => void;
}
