import { createHash } from "node:crypto";
import { and, eq } from "drizzle-orm";
import type { OrgDb } from "../../db/org-db.ts";
import { imports } from "../../db/schema/index.ts";
import { hexOf } from "../../lib/bytes.ts";
import { publicId } from "../../lib/ids.ts";
import { ok, refuse, type Result } from "../../lib/result.ts";
import type { Import } from "./create-import.ts";
import type { FileStore } from "./file-store.ts";
import { findImport } from "./find-imports.ts";

export const fileBytesMax = 100 * 1024 * 1024;

export type UploadRefusal = {
  readonly reason: "import_unknown" | "file_present" | "file_empty" | "file_too_large" | "file_incomplete";
};

/**
 * The file of an import that waits for one, streamed through: nothing of it is held here. `length` is what the sender
 * announced; a body that ends elsewhere is refused, because half a file would be imported as a whole one.
 */
export async function storeFile(
  org: OrgDb,
  files: FileStore,
  importId: string,
  body: ReadableStream<Uint8Array>,
  length: number,
): Promise<Result<Import, UploadRefusal>> {
  const found = await findImport(org, importId);
  if (found === null) return refuse({ reason: "import_unknown" });
  if (found.status !== "awaiting_file") return refuse({ reason: "file_present" });
  if (length > fileBytesMax) return refuse({ reason: "file_too_large" });
  if (!(length > 0)) return refuse({ reason: "file_empty" });
  const seen = { bytes: 0, hash: createHash("sha256") };
  const counted = body.pipeThrough(
    new TransformStream<Uint8Array, Uint8Array>({
      transform(piece, out) {
        seen.bytes += piece.length;
        // Errors the stream, so that the store keeps nothing.
        if (seen.bytes > length) throw new RangeError("the body is longer than announced");
        seen.hash.update(piece);
        out.enqueue(piece);
      },
    }),
  );
  try {
    await files.put(found.fileKey, counted, length);
  } catch (thrown) {
    if (seen.bytes !== length) return refuse({ reason: "file_incomplete" });
    throw thrown;
  }
  if (seen.bytes !== length) return refuse({ reason: "file_incomplete" });
  const sha256 = new Uint8Array(seen.hash.digest());
  const facts = { bytes: length, sha256: hexOf(sha256) };
  return org.change({ action: "import.file_stored", subject: publicId("import", importId), facts }, async (w) => {
    const set = { status: "queued", fileSha256: sha256, bytesTotal: length, arrivedAt: w.now } as const;
    const [queued] = await w.update(imports, and(eq(imports.id, importId), eq(imports.status, "awaiting_file"))!, set);
    if (queued === undefined) {
      w.withdrawEntry();
      return refuse({ reason: "file_present" as const });
    }
    return ok(queued);
  });
}
