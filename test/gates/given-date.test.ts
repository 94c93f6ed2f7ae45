import { describe, expect, test } from "vitest";
import { givenDate } from "../../src/lib/given-date.ts";

describe("a date with its zone is one instant", () => {
  test.each([
    ["2026-06-18T06:32:00Z", "2026-06-18T06:32:00Z"],
    ["2026-06-18 06:32:00z", "2026-06-18T06:32:00Z"],
    ["2026-06-18T06:32:00.999Z", "2026-06-18T06:32:00Z"],
    ["2026-06-18T06:32Z", "2026-06-18T06:32:00Z"],
    ["2026-06-18T06:32:00-04:00", "2026-06-18T10:32:00Z"],
    ["2026-06-18T06:32:00+0530", "2026-06-18T01:02:00Z"],
    ["2026-06-18 06:32:00+00", "2026-06-18T06:32:00Z"],
    ["2026-06-18T06:32:00-05", "2026-06-18T11:32:00Z"],
    ["2026-06-18 06:32:00.123456 -05", "2026-06-18T11:32:00Z"],
    ["2026-06-18 06:32:00 UTC", "2026-06-18T06:32:00Z"],
    ["2026-06-18T06:32:00 gmt", "2026-06-18T06:32:00Z"],
    ["6/18/2026 6:32 AM UTC", "2026-06-18T06:32:00Z"],
    ["2026-06-18T06:32+14", "2026-06-17T16:32:00Z"],
  ])("%s", (text, utc) => expect(givenDate(text)).toEqual({ given: text, utc, earliest: utc, latest: utc }));
});

describe("a date without a zone is read as UTC, with its extremes on earth", () => {
  test.each([
    ["2026-06-18 06:32:00", "2026-06-18T06:32:00Z", "2026-06-17T16:32:00Z", "2026-06-18T18:32:00Z"],
    ["06/18/2026 06:32", "2026-06-18T06:32:00Z", "2026-06-17T16:32:00Z", "2026-06-18T18:32:00Z"],
    ["6/8/2026, 6:32 PM", "2026-06-08T18:32:00Z", "2026-06-08T04:32:00Z", "2026-06-09T06:32:00Z"],
    ["6/8/2026 12:00 am", "2026-06-08T00:00:00Z", "2026-06-07T10:00:00Z", "2026-06-08T12:00:00Z"],
    ["6/8/2026 12:00 pm", "2026-06-08T12:00:00Z", "2026-06-07T22:00:00Z", "2026-06-09T00:00:00Z"],
    ["2026-06-18", "2026-06-18T00:00:00Z", "2026-06-17T10:00:00Z", "2026-06-19T11:59:59Z"],
    ["06/18/2026", "2026-06-18T00:00:00Z", "2026-06-17T10:00:00Z", "2026-06-19T11:59:59Z"],
  ])("%s", (text, utc, earliest, latest) => expect(givenDate(text)).toEqual({ given: text, utc, earliest, latest }));
  test("unless somebody attests that it is UTC", () => {
    const utc = "2026-10-30T12:04:00Z";
    expect(givenDate("10/30/2026 12:04", { dateZone: "UTC" })).toEqual({
      given: "10/30/2026 12:04",
      utc,
      earliest: utc,
      latest: utc,
    });
  });
});

test.each([null, undefined, "", "  "])("%j is no date", (text) =>
  expect(givenDate(text)).toEqual({ given: null, utc: null, earliest: null, latest: null }),
);

test.each([
  "yesterday",
  "0000-00-00",
  "31/31/2026",
  "13/01/2026",
  "2026-02-29",
  "2026-06-18T25:00:00Z",
  "2026-06-18T06:60:00Z",
  "2026-06-18T06:32:60Z",
  "2026-06-18T06:32:00+15:00",
  "2026-06-18T06:32:00+15",
  "2026-06-18T06:32:00+5",
  "2026-06-18+00",
  "6/8/2026 13:00 PM",
  "6/8/26",
  "1782973920",
  "2026-06-18T06:32:00Z trailing",
])("%s is text that is no date: kept as given, with no instant", (text) =>
  expect(givenDate(text)).toEqual({ given: text, utc: null, earliest: null, latest: null }),
);
test("a leap day is a day", () => expect(givenDate("2028-02-29").utc).toBe("2028-02-29T00:00:00Z"));
