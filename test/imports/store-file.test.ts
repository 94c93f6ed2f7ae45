import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createImport } from "../../src/domain/imports/create-import.ts";
import { fileBytesMax, storeFile } from "../../src/domain/imports/store-file.ts";
import { type IntakeWorld, openIntake } from "./intake-world.ts";

describe("the upload of an import's file", () => {
  let world: IntakeWorld;
  beforeAll(async () => {
    world = await openIntake();
  });
  afterAll(() => world.close());

  const input = () => ({
    sellerId: world.sellerId,
    fileName: "l.csv",
    columns: { phone: "P" },
    attestation: { purpose: "marketing", basis: "pewc" } as const,
  });
  async function waiting(): Promise<string> {
    const made = await createImport(world.org, input());
    if (!made.ok) throw new Error(made.refusal.reason);
    expect(made.value).toMatchObject({
      status: "awaiting_file",
      attestation: { seller: { registered_name: "Acme Solar LLC", trade_names: ["Acme Sun"] } },
    });
    return made.value.id;
  }
  const store = (id: string, text: string, length = text.length) =>
    storeFile(world.org, world.files, id, new Blob([text]).stream(), length);

  it("makes the import wait for a consumer, once", async () => {
    const id = await waiting();
    expect(await world.run(id)).toBe("not_ours");
    expect(await store(id, "P\n2125550101\n")).toMatchObject({ ok: true, value: { status: "queued", bytesTotal: 13 } });
    expect(await store(id, "P\n2125550102\n")).toEqual({ ok: false, refusal: { reason: "file_present" } });
    expect(await world.run(id)).toBe("succeeded");
    expect(await world.run(id)).toBe("not_ours");
    expect((await world.find(id)).accepted).toBe(1);
  });

  it.each([
    ["shorter than announced", "P\n1\n", 10, "file_incomplete"],
    ["longer than announced", "P\n1\n2\n", 4, "file_incomplete"],
    ["empty", "", 0, "file_empty"],
    ["of no announced length", "P\n", Number.NaN, "file_empty"],
    ["larger than any file may be", "P\n", fileBytesMax + 1, "file_too_large"],
  ])("refuses a body that is %s, and takes a whole one afterwards", async (_name, text, length, reason) => {
    const id = await waiting();
    expect(await store(id, text, length)).toEqual({ ok: false, refusal: { reason } });
    expect((await world.find(id)).status).toBe("awaiting_file");
    expect((await store(id, "P\n")).ok).toBe(true);
  });

  it("knows no import of another org, and no seller that is not there", async () => {
    const other = await openIntake(world);
    const id = await waiting();
    expect(await storeFile(other.org, other.files, id, new Blob(["P\n"]).stream(), 2)).toEqual({
      ok: false,
      refusal: { reason: "import_unknown" },
    });
    expect(await createImport(other.org, input())).toEqual({ ok: false, refusal: { reason: "seller_unknown" } });
    expect(await other.run(id)).toBe("not_ours");
  });
});
