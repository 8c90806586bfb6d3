import { Readable } from 'node:stream';

/** What one client of a stream is sent, and how far it is behind with reading. */
export interface Outlet {
  readable: Readable;
  write: (text: string) => void;
  /** Bytes that wait to be read. */
  unread: () => number;
  /** Resolves when the client should be sent more, or is gone. */
  room: () => Promise<void>;
  isClosed: () => boolean;
  /** Lets it read what is written, for 5 s at most. */
  end: () => void;
}

const end_within_ms = 5_000;

/** An open outlet; whoever reads it (or the loss of the client) closes it. */
export function createOutlet(): Outlet {
  let has_room = true;
  let is_ended = false;
  let onRoom = () => {};
  const readable = new Readable({
    read: () => {
      has_room = true;
      onRoom();
    },
  });
  readable.once('close', () => onRoom());
  const isClosed = () => is_ended || readable.destroyed;
  return {
    readable,
    write: (text) => {
      if (!isClosed()) has_room = readable.push(text);
    },
    unread: () => readable.readableLength,
    room: async () => {
      if (has_room || isClosed()) return;
      await new Promise<void>((resolve) => {
        onRoom = resolve;
      });
    },
    isClosed,
    end: () => {
      if (isClosed()) return;
      is_ended = true;
      readable.push(null);
      onRoom();
      setTimeout(() => readable.destroy(), end_within_ms).unref();
    },
  };
}
