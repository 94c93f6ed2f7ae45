/** What is used of an R2 bucket. */
export interface Bucket {
  put(key: string, value: ReadableStream<Uint8Array>): Promise<unknown>;
  get(key: string, options: { range: { offset: number } }): Promise<{ readonly body: ReadableStream<Uint8Array> } | null>;
  head(key: string): Promise<{ readonly size: number } | null>;
}
/** A global of workerd alone: R2 takes a stream only when its length is known. */
type FixedLength = new (length: number) => TransformStream<Uint8Array, Uint8Array>;

/** Uploaded files in an R2 bucket. */
export function r2Files(bucket: Bucket) {
  return {
    async put(key: string, bytes: ReadableStream<Uint8Array>, length: number): Promise<void> {
      // workerd's own global: no type of the languages that this is checked with knows it.
      const FixedLengthStream = (globalThis as unknown as { FixedLengthStream: FixedLength }).FixedLengthStream;
      // A body that ends early or runs over makes the stream fail, and R2 then keeps nothing.
      await bucket.put(key, bytes.pipeThrough(new FixedLengthStream(length)));
    },
    async read(key: string, fromByte: number): Promise<AsyncIterable<Uint8Array> | null> {
      const head = await bucket.head(key);
      if (head === null) return null;
      if (fromByte >= head.size) return none();
      return (await bucket.get(key, { range: { offset: fromByte } }))?.body ?? null;
    },
  };
}

// R2 refuses a range that begins at the end.
async function* none(): AsyncGenerator<Uint8Array> {}
