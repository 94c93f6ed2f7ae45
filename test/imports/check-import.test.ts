import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { spawnSync } from "node:child_process";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import fc from "fast-check";
import { main } from "../../cli/dialgate.ts";
import { checkFile } from "../../src/domain/imports/check-file.ts";
import { mapFile } from "../../src/domain/imports/import-map.ts";
import { packRefs } from "../../src/gates/rules/packs.ts";
import type { Instant } from "../../src/lib/instant.ts";

const sample = "dev/data/leads.csv";
const mapPath = "dev/data/leads.map.json";
const map = mapFile.parse(JSON.parse(await readFile(mapPath, "utf8")));
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "dialgate check "));
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

const noBytes = async function* () {};
async function dialgate(...args: string[]) {
  return dialgateWith(noBytes(), ...args);
}
async function dialgateWith(bytes: AsyncIterable<Uint8Array>, ...args: string[]) {
  const out: string[] = [];
  const err: string[] = [];
  const lines = (async function* () {})();
  const code = await main(["check-import", ...args], {
    lines,
    bytes,
    out: (line) => out.push(line),
    err: (line) => err.push(line),
  });
  return { code, out: out.join("\n"), err: err.join("\n") };
}
const file = async (name: string, content: string | Uint8Array) => {
  const path = join(folder, name);
  await writeFile(path, content);
  return path;
};

describe("check-import", () => {
  it("counts the sample file exactly as expected, offline", async () => {
    const { code, out } = await dialgate(sample, "--map", mapPath, "--now", "2026-11-18T15:00:00Z", "--json");
    expect(code).toBe(0);
    expect(JSON.parse(out)).toEqual(JSON.parse(await readFile("dev/data/leads.expected.json", "utf8")));
  });

  it("judges dates against the instant that it is given", async () => {
    const at = async (now: string) =>
      JSON.parse((await dialgate(sample, "--map", mapPath, "--now", now, "--json")).out) as { eligible: number };
    expect((await at("2020-01-01T00:00:00Z")).eligible).toBe(0);
    expect((await at("2026-11-18T15:00:00Z")).eligible).toBe(1705);
  });

  it("reads a map in the API's own words, also as a whole body, and one in the words of before", async () => {
    const counted = async (of: unknown) =>
      (await dialgate(sample, "--map", await file("map.json", JSON.stringify(of)), "--now", "2026-11-18T15:00:00Z")).out;
    const expected = await counted(map);
    expect(expected).toMatch(/rows +3000/);
    expect(await counted({ ...map, seller_id: "sell_x", file_name: "leads.csv" })).toBe(expected);
    const before = JSON.parse(await readFile("test/data/leads.map.json", "utf8"));
    expect(before.attest.seller.legal_name).toBe("Acme Solar LLC");
    expect(await counted(before)).toBe(expected);
    expect(Object.keys(map.attestation)).toEqual(["purpose", "basis", "signature", "date_zone"]);
  });

  it("prints the same counts for people", async () => {
    const { out } = await dialgate(sample, "--map", mapPath, "--now", "2026-11-18T15:00:00Z");
    expect(out).toMatch(/rows +3000/);
    expect(out).toMatch(/duplicate_in_file +159/);
  });

  it("names what is wrong with how it was asked, with the file and with the map", async () => {
    const header = await file("other.csv", "Id,Telephone\n");
    const noPhone = await file("no-phone.json", JSON.stringify({ ...map, columns: { email: "Email" } }));
    const badBasis = await file("basis.json", JSON.stringify({ ...map, attestation: { ...map.attestation, basis: "hope" } }));
    expect(await dialgate()).toMatchObject({ code: 2, err: expect.stringContaining("one file is needed") });
    expect(await dialgate(sample)).toMatchObject({ code: 2, err: expect.stringContaining("--map") });
    expect(await dialgate(sample, "--map", mapPath, "--now", "yesterday")).toMatchObject({
      code: 2,
      err: expect.stringContaining("--now"),
    });
    expect(await dialgate("none.csv", "--map", mapPath)).toMatchObject({
      code: 1,
      err: expect.stringContaining("no file none.csv"),
    });
    expect(await dialgate(sample, "--map", "none.json")).toMatchObject({
      code: 1,
      err: expect.stringContaining("no map none.json"),
    });
    expect(await dialgate(sample, "--map", sample)).toMatchObject({ code: 1, err: expect.stringContaining("too large") });
    expect(await dialgate(sample, "--map", header)).toMatchObject({ code: 1, err: expect.stringContaining("not JSON") });
    expect(await dialgate(sample, "--map", noPhone)).toMatchObject({
      code: 1,
      err: expect.stringContaining("columns.phone: Required: a text."),
    });
    expect(await dialgate(sample, "--map", badBasis)).toMatchObject({
      code: 1,
      err: expect.stringContaining("attestation.basis: Known here: pewc, pec, ebr, transactional, unknown."),
    });
    const strange = { seller: { registered_name: 5 }, columns: { ...map.columns, fone: "Fon" }, attestation: "signed" };
    const told = await dialgate(sample, "--map", await file("strange.json", JSON.stringify(strange)));
    expect(told.code).toBe(1);
    for (const says of [
      "seller.registered_name: Expected: a text.",
      "columns.fone: This field is not known. Known here: external_id, ",
      "attestation: Expected: an object.",
    ])
      expect(told.err).toContain(says);
    expect(told.err, "no library's words, and no value").not.toMatch(/Invalid |received|expected |Unrecognized|Fon|signed/);
    expect(await dialgate(header, "--map", mapPath)).toMatchObject({ code: 1, err: expect.stringContaining('"Phone"') });
    expect(await dialgate(await file("utf16.csv", Buffer.from("\ufeffa,b\n", "utf16le")), "--map", mapPath)).toMatchObject({
      code: 1,
      err: expect.stringContaining("not UTF-8"),
    });
    expect(await dialgate(await file("empty.csv", ""), "--map", mapPath)).toMatchObject({
      code: 1,
      err: expect.stringContaining("empty"),
    });
  });

  it("reads a pipe and standard input as it reads a file, and says of what is neither that it is not", async () => {
    const asked = ["--map", mapPath, "--now", "2026-11-18T15:00:00Z"];
    const { out: expected } = await dialgate(sample, ...asked);
    const pieces = async function* () {
      yield await readFile(sample);
    };
    for (const name of ["-", "/dev/stdin"])
      expect(await dialgateWith(pieces(), name, ...asked)).toMatchObject({ code: 0, out: expected });
    const fifo = join(folder, "leads.pipe");
    expect(spawnSync("sh", ["-c", 'mkfifo "$0"', fifo]).status).toBe(0);
    const [read] = await Promise.all([dialgate(fifo, ...asked), readFile(sample).then((all) => writeFile(fifo, all))]);
    expect(read).toMatchObject({ code: 0, out: expected });
    const shell = ["-c", `cat ${sample} | node cli/dialgate.ts check-import /dev/stdin "$@"`, "sh", ...asked];
    const piped = spawnSync("sh", shell, { encoding: "utf8" });
    expect([piped.status, piped.stdout.trim()]).toEqual([0, expected]);
    for (const none of [folder, "/dev/null"])
      expect(await dialgate(none, ...asked)).toMatchObject({
        code: 1,
        err: `dialgate check-import: ${none} is neither a regular file nor a pipe`,
      });
  });

  it("accounts for every row of any file: rows = accepted + rejected, accepted = eligible + ineligible", async () => {
    const packs = await packRefs();
    const cell = fc.oneof(
      fc.constantFrom(
        "",
        "2125550101",
        "(212) 555-0102",
        "+442079460199",
        "8005550123",
        '"',
        '"x',
        'x"y',
        "CA",
        "2026-01-02",
        "\n",
        ",",
        "\0",
        "'=1",
      ),
      fc.string({ maxLength: 8 }),
    );
    const columns = { phone: "P", state: "S", consent_at: "D", consent_text: "T" };
    const sum = (counts: Readonly<Record<string, number>>) => Object.values(counts).reduce((total, each) => total + each, 0);
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(cell, { minLength: 1, maxLength: 6 }), { maxLength: 12 }), async (rows) => {
        const bytes = new TextEncoder().encode(`P,S,D,T\n${rows.map((row) => row.join(",")).join("\n")}`);
        const checked = await checkFile(
          new Blob([bytes]).stream(),
          { ...map, columns },
          { at: "2026-11-18T15:00:00Z" as Instant, packs },
        );
        expect(checked.ok).toBe(true);
        if (!checked.ok) return;
        const { counts } = checked;
        expect(counts.accepted + sum(counts.rejected)).toBe(counts.rows);
        expect(counts.eligible + sum(counts.ineligible)).toBe(counts.accepted);
      }),
      { numRuns: 200 },
    );
  });
});
