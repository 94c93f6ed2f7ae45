/**
 * `node dev/export-chain.ts [ORG]`: a whole audit chain as JSON lines, for `dialgate verify`; the platform's own without an ORG.
 * With the worker's `DATABASE_URL`: no route answers the platform's chain, which has everybody's sessions. Where it stands goes
 * to standard error.
 */
import { SystemDb } from "../src/db/system-db.ts";
import { neonTransport, type Transport } from "../src/db/transport.ts";
import { exportedEntry } from "../src/domain/audit/exported-entry.ts";
import { type ChainPage, readChain } from "../src/domain/audit/read-chain.ts";
import { publicId, uuidOf } from "../src/lib/ids.ts";
import { instantOf } from "../src/lib/instant.ts";

export const platformOrg = publicId("org", "00000000-0000-0000-0000-000000000000");

/** @param org its public id. @returns where the chain stood when its last page was read, as `--head` takes it. */
export async function exportChain(transport: Transport, org: string, print: (line: string) => void): Promise<string> {
  const uuid = uuidOf("org", org);
  if (uuid === null) throw new Error("an id of the form org_… is needed");
  // It mints no id and looks for no number.
  const system = new SystemDb(transport, () => "", "");
  const handle = system.asOrg(uuid, { type: "job", id: "export_chain" }, "export_chain", instantOf(Date.now() / 1000));
  const whole = { type: null, subject: null, actor: null, fromUs: null, untilUs: null };
  let page: ChainPage;
  let after: number | null = 0;
  do {
    page = await readChain(handle, after, 1_000, whole);
    for (const row of page.entries) print(JSON.stringify(exportedEntry(row)));
    after = page.next;
  } while (after !== null);
  return `${page.head.seq}:${page.head.head}`;
}

/** The command for the platform's own chain of a database on this machine, as a shell takes it. */
export const exportCommand = (url: string, address: string): string =>
  `DATABASE_URL=${url} NEON_LOCAL_ENDPOINT=${address} node_modules/.bin/node dev/export-chain.ts`;

async function main(): Promise<void> {
  const { DATABASE_URL: url, NEON_LOCAL_ENDPOINT: address } = process.env;
  if (!url) throw new Error("usage: DATABASE_URL=… node dev/export-chain.ts [ORG]");
  const transport = neonTransport(url, address === undefined ? undefined : { address });
  console.error(`head ${await exportChain(transport, process.argv[2] ?? platformOrg, (line) => console.log(line))}`);
}

if (import.meta.main) {
  main().catch((error: unknown) => {
    console.error(error instanceof Error ? error.message : "the export failed");
    process.exitCode = 1;
  });
}
