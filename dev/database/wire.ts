/** The little of Postgres' wire protocol (version 3) that a server in the middle must read. */

export interface FrontendMessage {
  /** `end` closes a round trip: the client waits for an answer after it. */
  readonly kind: "ssl" | "startup" | "cancel" | "terminate" | "part" | "end";
  readonly bytes: Buffer;
  /** The first words of the statement that it carries, without values. */
  readonly statement: string;
}

const cancelRequest = 80_877_102;
/** TLS and GSSAPI: neither is offered. */
const encryptionRequests: readonly number[] = [80_877_103, 80_877_104];
const messageBytesMax = 256 * 1024 * 1024;
/** As in Postgres (MAX_STARTUP_PACKET_LENGTH): what is longer is no client of it. */
const startupBytesMax = 10_000;
/** What a client may send once it has started. Postgres ends its whole process at any other, and ours holds the database. */
const messageTypes = "QPBEDCSHFdcfX";

/** The bytes are not this protocol's, as when an HTTP client asks at the wrong port: its connection ends, and nothing else. */
export class ProtocolViolation extends Error {
  override readonly name = "ProtocolViolation";
}

/**
 * Cuts one client's bytes into messages, across chunks.
 *
 * @param options `passwords`: the server behind asks for one, so that answers to that (`p`) are part of the protocol
 * @throws ProtocolViolation from the reader: whoever reads closes that connection
 */
export function frontendMessages(options: { readonly passwords?: true } = {}): (chunk: Buffer) => FrontendMessage[] {
  const types = options.passwords === true ? `${messageTypes}p` : messageTypes;
  let rest: Buffer = Buffer.alloc(0);
  let started = false;
  let statement = "";
  return (chunk) => {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    const messages: FrontendMessage[] = [];
    for (;;) {
      const head = started ? 1 : 0;
      if (rest.length < head + 4) return messages;
      if (started && !types.includes(String.fromCharCode(rest[0] ?? 0)))
        throw new ProtocolViolation("a message of an unknown type");
      const length = head + rest.readInt32BE(head);
      const [min, max] = started ? [head + 4, messageBytesMax] : [8, startupBytesMax];
      if (length < min || length > max) throw new ProtocolViolation("a message of an impossible length");
      if (rest.length < length) return messages;
      const bytes = rest.subarray(0, length);
      rest = rest.subarray(length);
      if (!started) {
        const kind = firstKind(bytes.readInt32BE(4));
        started = kind === "startup";
        messages.push({ kind, bytes, statement: "" });
        continue;
      }
      const type = String.fromCharCode(bytes[0] ?? 0);
      if (type === "P") statement = firstWords(bytes.toString("utf8", bytes.indexOf(0, 5) + 1));
      if (type === "Q") statement = firstWords(bytes.toString("utf8", 5));
      messages.push({ kind: kindOf(type), bytes, statement });
    }
  };
}

function firstKind(code: number): "ssl" | "cancel" | "startup" {
  if (encryptionRequests.includes(code)) return "ssl";
  if (code === cancelRequest) return "cancel";
  if (code >>> 16 !== 3) throw new ProtocolViolation("a protocol of another version than 3");
  return "startup";
}

function kindOf(type: string): FrontendMessage["kind"] {
  if (type === "X") return "terminate";
  return "QSHFcf".includes(type) ? "end" : "part";
}

/** Literals are cut out: an error text must not carry what a client sent as data. */
function firstWords(text: string): string {
  const end = text.indexOf("\0");
  return (end === -1 ? text : text.slice(0, end))
    .replace(/\$([A-Za-z_]*)\$[\s\S]*?\$\1\$|'(?:[^']|'')*'?/g, "'…'")
    .replace(/\s+/g, " ")
    .trim()
    .slice(0, 80);
}

/** Cuts a whole answer of the server into messages. */
export function* backendMessages(bytes: Buffer): Generator<{ type: string; body: Buffer }> {
  for (let at = 0; at + 5 <= bytes.length;) {
    const length = bytes.readInt32BE(at + 1);
    yield { type: String.fromCharCode(bytes[at] ?? 0), body: bytes.subarray(at + 5, at + 1 + length) };
    at += 1 + length;
  }
}

export function simpleQuery(text: string): Buffer {
  const body = Buffer.from(`${text}\0`);
  const head = Buffer.alloc(5);
  head.write("Q");
  head.writeInt32BE(body.length + 4, 1);
  return Buffer.concat([head, body]);
}

export function errorResponse(severity: "ERROR" | "FATAL", code: string, message: string): Buffer {
  const body = Buffer.from(`S${severity}\0V${severity}\0C${code}\0M${message}\0\0`);
  const head = Buffer.alloc(5);
  head.write("E");
  head.writeInt32BE(body.length + 4, 1);
  return Buffer.concat([head, body]);
}
