import type { DayWindow, RulePack } from "./pack.ts";

const eightToNine: DayWindow = { from: "08:00", to: "21:00" };

export const usFederal: RulePack = {
  id: "us-federal",
  version: "2026-12-01.1",
  hours: [
    {
      kind: "hours",
      id: "us-federal/hours",
      version: "1",
      citation: "47 CFR 64.1200(c)(1)",
      // "After 9 p.m." is read strictly: 21:00:00 itself is outside.
      quote:
        "any residential telephone subscriber before the hour of 8 a.m. or after 9 p.m. (local time at the called party's location)",
      address: "https://www.ecfr.gov/current/title-47/section-64.1200",
      effective_from: null,
      effective_to: null,
      retrieved_at: "2026-09-02",
      reviewer: null,
      status: "in_force",
      states: null,
      technology: "any",
      days: {
        mon: eightToNine,
        tue: eightToNine,
        wed: eightToNine,
        thu: eightToNine,
        fri: eightToNine,
        sat: eightToNine,
        sun: eightToNine,
      },
    },
  ],
  conditions: [
    {
      kind: "condition",
      id: "us-federal/dnc-national",
      version: "1",
      citation: "47 CFR 64.1200(c)(2)",
      quote:
        "must be honored indefinitely, or until the registration is cancelled by the consumer or the telephone number is removed",
      address: "https://www.ecfr.gov/current/title-47/section-64.1200",
      effective_from: null,
      effective_to: null,
      retrieved_at: "2026-09-02",
      reviewer: null,
      status: "in_force",
      gate: "dnc",
      states: null,
      technology: "any",
      asks: { type: "dnc_list", list: "national" },
    },
  ],
};
