import { destination, type Logger, pino, stdSerializers, stdTimeFunctions } from 'pino';

/** What PostgreSQL adds to an error holds the values of rows: numbers, names, keys. */
const told_values = ['detail', 'where', 'hint', 'internalQuery', 'bindings'];

function serialiseError(error: Error): Record<string, unknown> {
  const shown: Record<string, unknown> = { ...stdSerializers.err(error) };
  for (const name of told_values) delete shown[name];
  return shown;
}

/** The one root logger: JSON lines to the file descriptor, errors without the values that a database adds to them. */
export function createLog(level: string, fd: 1 | 2): Logger {
  const options = { level, timestamp: stdTimeFunctions.isoTime, serializers: { err: serialiseError } };
  return pino(options, destination({ fd, sync: true }));
}
