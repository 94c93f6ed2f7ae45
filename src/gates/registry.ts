import { callingHours } from "./calling-hours.ts";
import { capacity } from "./capacity.ts";
import { consent } from "./consent.ts";
import { gateNames } from "./decide.ts";
import { dnc } from "./dnc.ts";
import { frequency } from "./frequency.ts";
import type { AnyGate, GateName } from "./gate.ts";
import { halt } from "./halt.ts";
import { number } from "./number.ts";
import { suppression } from "./suppression.ts";

/** The gates of this build, in the order in which their results are reported. */
export const gates: readonly AnyGate[] = [halt, consent, suppression, dnc, number, callingHours, frequency, capacity];

/** Without the `allow` of each of these nothing is allowed. It is the list of what this build has, and grows with it. */
export const mandatoryGates: readonly GateName[] = [
  "halt",
  "consent",
  "suppression",
  "dnc",
  "number",
  "calling_hours",
  "frequency",
  "capacity",
];

/** Those that the design has and this build not. */
export const gatesMissing: readonly GateName[] = gateNames.filter((name) => !gates.some((gate) => gate.name === name));

/** Standing gates change with their facts: their results are kept on the enrolment. */
export const standingGates: readonly AnyGate[] = gates.filter((gate) => gate.kind === "standing");
