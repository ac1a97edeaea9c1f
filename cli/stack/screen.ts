/** Remarks and the one line that is rewritten in place: a remark goes above it, never through it. */
export interface Screen {
  /** False in a file or a pipe, where every line stays. */
  readonly inPlace: boolean;
  note(text: string): void;
  show(line: string): void;
  /** The line stays as it stands; what comes next goes below it. */
  settle(): void;
}

interface Terminal {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

/** Back to the first column, and clear. */
const CLEAR = '\r\u001b[2K';

export function screenOf(terminal: Terminal): Screen {
  const inPlace = terminal.isTTY === true;
  let shown = '';
  const fitting = (line: string): string => line.slice(0, (terminal.columns ?? 200) - 1);
  return {
    inPlace,
    note(text) {
      terminal.write(shown === '' ? `${text}\n` : `${CLEAR}${text}\n${shown}`);
    },
    show(line) {
      if (!inPlace) {
        terminal.write(`${line}\n`);
        return;
      }
      shown = fitting(line);
      terminal.write(`${CLEAR}${shown}`);
    },
    settle() {
      if (shown !== '') terminal.write('\n');
      shown = '';
    },
  };
}
