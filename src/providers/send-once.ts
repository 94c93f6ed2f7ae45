/** What the worker's own `fetch` offers, so that a test can pass its own. */
export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

export interface Outgoing {
  readonly method: "GET" | "POST" | "DELETE";
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | null;
  readonly timeoutSeconds: number;
  readonly maxAnswerBytes: number;
}
/** `silent`: nothing that can be trusted came back, and whatever was asked may have been done. */
export type Sent =
  | { readonly kind: "answered"; readonly status: number; readonly headers: Headers; readonly body: Uint8Array<ArrayBuffer> }
  | {
      readonly kind: "silent";
      readonly reason: "timeout" | "connection_lost" | "redirected" | "answer_too_large";
      readonly status: number | null;
    };

/**
 * One request, never repeated: no vendor of voice calls takes an idempotency key, so a second POST is a second call.
 * Never follows a redirect: it would carry the credential to a host that nobody chose. Throws nothing.
 */
export async function sendOnce(fetch: Fetch, outgoing: Outgoing): Promise<Sent> {
  const signal = AbortSignal.timeout(outgoing.timeoutSeconds * 1000);
  let status: number | null = null;
  try {
    const response = await beforeAbort(
      signal,
      fetch(outgoing.url, {
        method: outgoing.method,
        headers: { ...outgoing.headers },
        redirect: "manual",
        signal,
        ...(outgoing.body === null ? {} : { body: outgoing.body }),
      }),
    );
    status = response.status;
    if (response.type === "opaqueredirect" || (status >= 300 && status < 400)) {
      await response.body?.cancel();
      return { kind: "silent", reason: "redirected", status };
    }
    const body = await readCapped(response, signal, outgoing.maxAnswerBytes);
    if (body === null) return { kind: "silent", reason: "answer_too_large", status };
    return { kind: "answered", status, headers: response.headers, body };
  } catch {
    return { kind: "silent", reason: signal.aborted ? "timeout" : "connection_lost", status };
  }
}

async function readCapped(response: Response, signal: AbortSignal, maxBytes: number): Promise<Uint8Array<ArrayBuffer> | null> {
  if (response.body === null) return new Uint8Array(0);
  const reader: ReadableStreamDefaultReader<Uint8Array> = response.body.getReader();
  const pieces: Uint8Array[] = [];
  let length = 0;
  try {
    for (;;) {
      const { done, value } = await beforeAbort(signal, reader.read());
      if (done) break;
      length += value.length;
      if (length > maxBytes) return null;
      pieces.push(value);
    }
  } finally {
    // The rest is of no interest, and a failure to say so changes nothing.
    reader.cancel().catch(() => undefined);
  }
  const whole = new Uint8Array(length);
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}

/** A transport that ignores the signal must not hold the dial for longer than the time-out. */
async function beforeAbort<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  let stop: (() => void) | undefined;
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(new Error("timed out"));
    if (signal.aborted) stop();
    else signal.addEventListener("abort", stop, { once: true });
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    if (stop !== undefined) signal.removeEventListener("abort", stop);
  }
}
