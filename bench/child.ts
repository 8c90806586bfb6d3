/** What a program is asked, one question at a time. */
export type Question<S> = { ask: 'open'; settings: S } | { ask: 'cpu' | 'memory' } | { ask: 'close' };

/** A program that is measured, as its process sees itself. */
interface Opened {
  url: string;
  close: () => Promise<void>;
}

/** Serves the parent's questions over IPC: opens when told to, tells its CPU in ms and its memory in MiB, and ends with its parent. */
export function runProgram<S>(open: (settings: S) => Promise<Opened>): void {
  let opened: Opened | undefined;
  const answer = async (question: Question<S>): Promise<unknown> => {
    switch (question.ask) {
      case 'open':
        opened = await open(question.settings);
        return opened.url;
      case 'cpu': {
        const { user, system } = process.cpuUsage();
        return (user + system) / 1_000;
      }
      case 'memory':
        return process.memoryUsage().rss / 1_048_576;
      case 'close':
        await opened?.close();
        return null;
    }
  };
  // A parent that left meanwhile is told nothing: `disconnect` is what ends this process.
  const reply = (message: unknown) => process.send?.(message, undefined, undefined, () => undefined);
  process.on('message', (question: Question<S>) => {
    answer(question).then(
      (value) => reply({ value }),
      (error: unknown) => reply({ error: error instanceof Error ? error.stack : String(error) }),
    );
  });
  // Not `kill`: a profile is written on the way out.
  process.on('disconnect', () => process.exit(0));
  // Ctrl-C reaches the whole group: the parent closes its programs in order.
  process.on('SIGINT', () => undefined);
}
