/** What an entry weighs over the wire with everything that it reaches. */
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

// The bundler that the deployment itself uses.
const { build } = createRequire(import.meta.resolve("wrangler"))("esbuild") as {
  build(options: Record<string, unknown>): Promise<{ outputFiles: { contents: Uint8Array }[] }>;
};

/** Kilobytes, gzipped. */
export const bundles = [
  { entry: "worker.ts", what: "the upload", kilobytesMax: 1_200 },
  { entry: "dispatch/run.ts", what: "what is reached from the dial", kilobytesMax: 250 },
] as const;
export const kilobyte = 1000;

/** @returns bytes, gzipped. */
export async function bundleBytes(entry: string): Promise<number> {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL(`../src/${entry}`, import.meta.url))],
    bundle: true,
    write: false,
    format: "esm",
    platform: "neutral",
    target: "es2024",
    mainFields: ["module", "main"],
    conditions: ["workerd", "worker", "browser"],
    external: ["node:*", "cloudflare:*"],
  });
  return gzipSync(outputFiles[0]?.contents ?? new Uint8Array()).length;
}
