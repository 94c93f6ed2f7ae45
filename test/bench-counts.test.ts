/** The figures that are counts: no neighbour's load moves them, so they are asserted at every run, at CI's sizes. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openDueOrg } from "../bench/due-leads.ts";
import { openHouse } from "../bench/house.ts";
import { acceptedOf, leadFile } from "../bench/lead-file.ts";
import { neonTransport, type Statement, type Transport } from "../src/db/transport.ts";
import { findImport } from "../src/domain/imports/find-imports.ts";
import { openTestDatabase, type TestDatabase } from "./support/database.ts";

let db: TestDatabase;
let transport: Transport;
/** The statements of each request to the database. */
const requests: (readonly Statement[])[] = [];
const namesOf = (request: readonly Statement[]): string => request.map(({ name }) => name).join("+");
beforeAll(async () => {
  db = await openTestDatabase();
  const wire = neonTransport(db.connectionString, { address: `127.0.0.1:${db.endpoint.port}` });
  transport = {
    batch(statements) {
      requests.push(statements);
      return wire.batch(statements);
    },
    transaction: (work) =>
      wire.transaction((run) =>
        work((statement) => {
          requests.push([statement]);
          return run(statement);
        }),
      ),
  };
});
afterAll(() => db?.close());

describe("counts", () => {
  test("an import sends one request a chunk of at least 2,000 rows, beside its lease", async () => {
    const folder = await mkdtemp(join(tmpdir(), "dialgate-counts-"));
    try {
      const rows = 7_600;
      const path = join(folder, "leads.csv");
      await writeFile(path, leadFile(rows, 5));
      const house = await openHouse(transport);
      const { accepted, chunks } = await house.importFile(path);
      expect(accepted).toBe(acceptedOf(rows));
      const leased = requests.findIndex((request) => namesOf(request) === "app.bind+app.lease_import");
      const sent = requests.slice(leased + 1, -1);
      expect(sent.map(namesOf)).toEqual(Array<string>(chunks).fill("app.bind+app.intake_chunk"));
      const rowsIn = sent.map(([, chunk]) => Number(chunk?.params[5]));
      expect(rowsIn.reduce((sum, each) => sum + each, 0)).toBe(rows);
      for (const each of rowsIn.slice(0, -1)) expect(each).toBeGreaterThanOrEqual(2_000);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });

  test("a read of an org is one request, binding included", async () => {
    const { org, sellerId } = await openHouse(transport);
    requests.length = 0;
    expect(await findImport(org, sellerId)).toBeNull();
    expect(requests.map(namesOf)).toEqual(["app.bind+find"]);
  });

  test("500 due leads of 10,000 are found in at most 60 blocks, with 3,000 overdue behind closed windows", async () => {
    const due = await openDueOrg(db, transport, 10_000);
    expect(await due.overdueClosed()).toBe(3_000);
    const { found, blocks } = await due.findBlocks();
    expect(found).toBe(500);
    expect(blocks).toBeLessThanOrEqual(60);
    expect((await due.claimBlocks()).claimed).toBe(500);
  });
});
