import { describe, expect, test } from "vitest";
import { findStop } from "../../src/domain/calls/find-stop.ts";
import type { TranscriptTurn } from "../../src/providers/voice/contract.ts";
import { conversations, cutShort, falseAlarms, inClauses, invitations, refusals, stops } from "./stop-phrases.ts";

const turn = (role: TranscriptTurn["role"], text: string): TranscriptTurn => ({ role, text, startSeconds: 0 });
const said = (...texts: readonly string[]) => findStop(texts.map((text) => turn("person", text)));

const lines = (text: string) => text.trim().split("\n");

describe("what may ask for calls to end", () => {
  test.each(lines(stops))("%s", (text) => expect(said(text)).toBe("transcript"));

  test.each(lines(stops))("as speech recognition writes it, without a mark: %s", (text) => {
    expect(said(text.toLowerCase().replace(/[^\p{L}\p{N}'’‘ ]/gu, ""))).toBe("transcript");
  });

  test("across turns of the same breath, whatever the agent says in between", () => {
    expect(said("Listen, do not", "call me again.")).toBe("transcript");
    expect(said("take me", "off", "your list")).toBe("transcript");
    for (const [first, between, then] of cutShort) {
      const turns = [turn("person", first), turn("agent", between), turn("tool", "look_up({})"), turn("person", then)];
      expect(findStop(turns), `${first} / ${then}`).toBe("transcript");
    }
  });

  test("not across an answer and what is said next", () => {
    for (const turns of conversations) {
      const transcript = turns.map((text, index) => turn(index % 2 === 0 ? "person" : "agent", text));
      expect(findStop(transcript), turns.join(" / ")).toBe(null);
    }
    expect(findStop([turn("person", "No, I do not"), turn("agent", "Very well."), turn("person", "Call me on Monday.")])).toBe(
      null,
    );
  });

  test.each(["st\u200bop", "sto\u00adp calling", "s-t-o-p", "ＳＴＯＰ", "no me llame ma\u0301s"])(
    "however it is written: %j",
    (text) => {
      expect(said(text)).toBe("transcript");
    },
  );

  test("any pressed key: the opening offers one as the way out", () => {
    for (const key of ["1", "9", "*", "#", "?"]) expect(said(`[key ${key}]`)).toBe("key_press");
  });
});

describe("what is taken for a stop and is none", () => {
  test.each(lines(falseAlarms))("%s", (text) => expect(said(text)).toBe("transcript"));
});

describe("what asks for no such thing", () => {
  test.each(lines(refusals))("%s", (text) => expect(said(text)).toBe(null));

  test("the agent's own words and the tools'", () => {
    const opening = "This is an automated voice. Say stop or press nine to end these calls.";
    expect(findStop([turn("agent", opening), turn("tool", "stop calling"), turn("person", "Who is this?")])).toBe(null);
  });
});

describe("what one clause says", () => {
  test.each(lines(inClauses))("%s", (text) => expect(said(text)).toBe("transcript"));
  test.each(lines(invitations))("%s", (text) => expect(said(text)).toBe(null));
  // An answer that asks for nothing hides no stop beside it, on either side and in whichever turn.
  test.each(lines(invitations))("takes no stop away: %s", (text) => {
    for (const stop of ["Don't call me again.", "Please take me off your list.", "No vuelvan a llamarme."]) {
      for (const turns of [[`${text}. ${stop}`], [`${stop} ${text}.`], [text, stop], [stop, text]])
        expect([turns, said(...turns)]).toEqual([turns, "transcript"]);
    }
  });
});
