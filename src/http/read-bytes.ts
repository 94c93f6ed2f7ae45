import { Problem } from "./problem.ts";

/** The whole body under a limit, without trusting its announced length. */
export async function readBytes(request: Request, bytesMax: number): Promise<Uint8Array<ArrayBuffer>> {
  const tooLarge = new Problem("body_too_large", {
    detail: `The body is larger than the ${bytesMax} bytes that this route reads.`,
  });
  if (Number(request.headers.get("content-length") ?? 0) > bytesMax) throw tooLarge;
  if (request.body === null) return new Uint8Array(0);
  const pieces: Uint8Array[] = [];
  let length = 0;
  const reader: ReadableStreamDefaultReader<Uint8Array> = request.body.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    length += value.length;
    if (length > bytesMax) {
      reader.cancel().catch(() => undefined);
      throw tooLarge;
    }
    pieces.push(value);
  }
  const whole = new Uint8Array(length);
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}
