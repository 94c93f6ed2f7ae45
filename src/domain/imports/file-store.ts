/** Where uploaded files lie. In the worker an R2 bucket. */
export interface FileStore {
  /** Stores exactly `length` bytes, or throws and stores nothing. */
  put(key: string, bytes: ReadableStream<Uint8Array>, length: number): Promise<void>;
  /** The file from one of its bytes on; null when there is no such file. */
  read(key: string, fromByte: number): Promise<AsyncIterable<Uint8Array> | null>;
}
