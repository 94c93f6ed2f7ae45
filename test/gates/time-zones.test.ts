import { describe, expect, test } from "vitest";
import { allZones } from "../../src/gates/location.ts";
import { zoneBook, zoneFacts } from "../../src/lib/time-zones.ts";
import { instant } from "./fixture.ts";

const at = instant("2026-11-18T15:00:00Z");

describe("zone tables", () => {
  test("hold the offsets from ten days before to 402 days after the day's UTC midnight", async () => {
    const { zones } = await zoneFacts(["America/New_York"], at);
    expect(zones["America/New_York"]).toEqual({
      from: "2026-11-08T00:00:00Z",
      until: "2027-12-25T00:00:00Z",
      offset_seconds: -18_000,
      transitions: [
        { at: "2027-03-14T07:00:00Z", offset_seconds: -14_400 },
        { at: "2027-11-07T06:00:00Z", offset_seconds: -18_000 },
      ],
    });
  });
  test("agree with Intl in every zone, every six hours, over their whole span", async () => {
    const { zones } = await zoneFacts(allZones(), at);
    for (const [zone, table] of Object.entries(zones)) {
      const format = new Intl.DateTimeFormat("en-US", { timeZone: zone, timeZoneName: "longOffset", hour: "2-digit" });
      for (let ms = Date.parse(table.from); ms < Date.parse(table.until); ms += 6 * 3_600_000) {
        const name = format.formatToParts(ms).find((part) => part.type === "timeZoneName")?.value ?? "";
        const [, sign, hours, minutes] = /GMT(?:([+-])(\d{2}):(\d{2}))?/.exec(name) ?? [];
        const wanted = (sign === "-" ? -1 : 1) * (Number(hours ?? 0) * 3600 + Number(minutes ?? 0) * 60);
        const passed = table.transitions.filter((step) => Date.parse(step.at) <= ms);
        expect((passed.at(-1) ?? table).offset_seconds, `${zone} ${ms}`).toBe(wanted);
      }
    }
  });
  test("a zone that never changes has no transitions", async () => {
    expect((await zoneFacts(["America/Phoenix"], at)).zones["America/Phoenix"]).toMatchObject({
      offset_seconds: -25_200,
      transitions: [],
    });
  });
  test("the version is the table's digest: same table, same version; another zone or day, another", async () => {
    const one = await zoneFacts(["America/New_York", "America/Chicago"], at);
    expect(
      (await zoneFacts(["America/Chicago", "America/New_York", "America/Chicago"], instant("2026-11-18T23:59:59Z"))).version,
    ).toBe(one.version);
    expect((await zoneFacts(["America/Chicago"], at)).version).not.toBe(one.version);
    expect((await zoneFacts(["America/New_York", "America/Chicago"], instant("2026-11-19T00:00:00Z"))).version).not.toBe(
      one.version,
    );
    expect(one.version).toMatch(/^[0-9a-f]{64}$/);
  });
  test("a zone that the runtime does not know is refused", async () => {
    await expect(zoneFacts(["America/Gotham"], at)).rejects.toThrow(RangeError);
  });
});

describe("a book of zone tables", () => {
  test("hands out one object per day and set of zones", async () => {
    const book = zoneBook();
    const first = await book.factsFor(["America/New_York"], at);
    expect(await book.factsFor(["America/New_York"], instant("2026-11-18T00:00:00Z"))).toBe(first);
    expect(await book.factsFor(["America/New_York"], instant("2026-11-19T00:00:00Z"))).not.toBe(first);
  });
  test("forgets rather than grows", async () => {
    const book = zoneBook(2);
    const first = await book.factsFor(["America/New_York"], at);
    await book.factsFor(["America/Chicago"], at);
    await book.factsFor(["America/Denver"], at);
    const again = await book.factsFor(["America/New_York"], at);
    expect(again).not.toBe(first);
    expect(again).toEqual(first);
  });
});
