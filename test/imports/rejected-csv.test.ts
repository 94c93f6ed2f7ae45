import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { rejectedCsv } from "../../src/domain/imports/rejected-csv.ts";
import { CsvReader } from "../../src/lib/csv.ts";
import { type IntakeWorld, openIntake } from "./intake-world.ts";

const attestation = { purpose: "marketing", basis: "pewc" } as const;
const columns = { phone: "Phone", first_name: "Name" };

describe("the list of rejected rows", () => {
  let world: IntakeWorld;
  beforeAll(async () => {
    world = await openIntake();
  });
  afterAll(() => world.close());

  const wide = { phone: "Phone", first_name: "Name", state: "State" };
  async function rejectedOf(text: string, of: typeof columns & { state?: string } = columns): Promise<string> {
    const { id } = await world.upload(new TextEncoder().encode(text), {
      columns: of,
      attestation,
    });
    await world.run(id);
    return new Response(rejectedCsv(world.org, await world.find(id))).text();
  }
  const rowsOf = (text: string) => new CsvReader().push(new TextEncoder().encode(text), true).map((record) => record.fields);

  it("holds the original columns, then line, code and detail", async () => {
    const rows = rowsOf(await rejectedOf('Name,Phone\nAnn,123\n"Zoë, ""Z""",+442079460199\nBob\nA,b,c,d\n'));
    expect(rows).toEqual([
      ["Name", "Phone", "line", "code", "detail"],
      ["Ann", "123", "2", "phone_invalid", "not a number that exists"],
      ['Zoë, "Z"', "+442079460199", "3", "phone_not_us", "not a number of the United States or its territories"],
      ["Bob", "", "4", "row_malformed", "1 fields where the header has 2"],
      ["A", "b,c,d", "5", "row_malformed", "4 fields where the header has 2"],
    ]);
  });

  it("lets no cell run as a formula, and leaves numbers alone", async () => {
    const rows = rowsOf(await rejectedOf("Name,Phone\n=HYPERLINK(1),+442079460199\n@cmd,123\n-2+3,12\n"));
    expect(rows.slice(1).map((row) => row.slice(0, 2))).toEqual([
      ["'=HYPERLINK(1)", "+442079460199"],
      ["'@cmd", "123"],
      ["'-2+3", "12"],
    ]);
  });

  it("can be corrected and imported again: the apostrophe comes off", async () => {
    await rejectedOf("Name,Phone\n'=Ann,2125550911\n");
    const [lead] = await world.sql("select first_name from leads where e164 = '+12125550911'");
    expect(lead?.["first_name"]).toBe("=Ann");
  });

  it("keeps every column of a long row, and cuts a cell only where no spreadsheet would hold it", async () => {
    const [long, longest] = ["consent, ".repeat(600), "y".repeat(40_000)];
    const rows = rowsOf(await rejectedOf(`Text,Name,Phone,State\n"${long}",Ann,123,NY\n${longest},Bob,124,NJ\n`, wide));
    expect(rows[1]).toEqual([long, "Ann", "123", "NY", "2", "phone_invalid", expect.any(String)]);
    expect(rows[2]?.slice(1, 5)).toEqual(["Bob", "124", "NJ", "3"]);
    expect(rows[2]?.[0]).toBe(`${"y".repeat(32_761)} [cut]`);
  });

  it("is whole when its rows are so long that few fit a page", async () => {
    const rows = Array.from({ length: 90 }, (_, index) => `${"z".repeat(60_000)},${index}`);
    expect(rowsOf(await rejectedOf(`Name,Phone\n${rows.join("\n")}`)).map((row) => row[2])).toEqual([
      "line",
      ...Array.from({ length: 90 }, (_, index) => String(index + 2)),
    ]);
  });

  it("is whole when it has more than one page", async () => {
    const rows = Array.from({ length: 1_203 }, (_, index) => `n${index},${index}`);
    expect(rowsOf(await rejectedOf(`Name,Phone\n${rows.join("\n")}`))).toHaveLength(1_204);
  });
});
