import { describe, expect, test } from "vitest";
import { findStop } from "../../src/domain/calls/find-stop.ts";
import { harmless } from "../../src/domain/calls/harmless-phrases.ts";
import { stopPhrases, stopVocabularyVersion } from "../../src/domain/calls/stop-vocabulary.ts";
import { sha256Hex } from "../../src/lib/bytes.ts";
import type { TranscriptTurn } from "../../src/providers/voice/contract.ts";
import {
  conversations,
  cutShort,
  everyday,
  falseAlarms,
  inClauses,
  invitations,
  nearMisses,
  refusals,
  stops,
} from "./stop-phrases.ts";

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

describe("what shares its words with a stop", () => {
  const bare = (text: string) => text.toLowerCase().replace(/[^\p{L}\p{N}'’‘ ]/gu, "");
  test.each(lines(everyday))("asks for nothing, as vendors write it and as speech recognition does: %s", (text) => {
    expect(said(text)).toBe(null);
    expect(said(bare(text)), "without a mark").toBe(null);
  });
  test.each(lines(nearMisses))("is one, however near: %s", (text) => {
    expect(said(text)).toBe("transcript");
    expect(said(bare(text)), "without a mark").toBe("transcript");
  });
  // Taken out with it, a stop beside it would be lost: each beside each, before and after, in one turn and in two. A stop of
  // one word is heard where it is a clause, which speech recognition without marks does not tell.
  const heardBare = lines(stops).filter((stop) => said(bare(`${stop} well okay`)) !== null);
  test.each(lines(everyday))("takes no stop away: %s", (text) => {
    const marked = lines(stops).flatMap((stop) => [[`${text}. ${stop}`], [`${stop}. ${text}`], [text, stop], [stop, text]]);
    const unmarked = heardBare.map((stop) => [bare(`${stop} well ${text}`)]);
    expect([...marked, ...unmarked].filter((turns) => said(...turns) === null)).toEqual([]);
  });
  test("which is tried with nearly all of them", () => expect(heardBare.length).toBeGreaterThan(0.9 * lines(stops).length));
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

test("other words are another version: each searched call's audit entry names the one it was searched with", () => {
  const words = [stopPhrases, harmless].map((phrases) => phrases.map(String));
  expect({ version: stopVocabularyVersion, digest: sha256Hex(JSON.stringify(words)) }).toEqual({
    version: "2026-11-30.4",
    digest: "bb8462f88de25369de5aad794469951d1e2ffeea62cd061d4ba91db11a7881ff",
  });
});

test("a transcript as long as a vendor may send is searched in no time that grows with its square", () => {
  for (const text of ["how did you get my number ", "you never called me back ", "call me tomorrow ", "don't call me today "]) {
    const took = (times: number) => {
      const before = performance.now();
      said(text.repeat(times));
      return performance.now() - before;
    };
    took(100);
    expect(took(20_000), text).toBeLessThan(40 * Math.max(took(2_000), 25));
  }
});
