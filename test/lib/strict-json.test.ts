import fc from "fast-check";
import { expect, test } from "vitest";
import { namedTwice, strictJson } from "../../src/lib/strict-json.ts";

test("whatever JSON.stringify writes is read as JSON.parse reads it", () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 5 }), fc.constantFrom(undefined, 2), (value, indent) => {
      const text = JSON.stringify(value, null, indent);
      expect(strictJson(text)).toEqual(JSON.parse(text));
    }),
    { seed: 20_261_120, numRuns: 2_000 },
  );
});

test.each([
  '{"a":1,"a":1}',
  '{"a":1,"b":2,"a":3}',
  '{"a":1,"\\u0061":2}',
  '{"a":{"b":1,"b":2}}',
  '{"a":[{"b":1},{"c":1,"c":2}]}',
  '{"a":1 , "a"\n:\t2}',
  '{"":1,"":2}',
  '{"\\"":1,"\\"":2}',
  '{"__proto__":1,"__proto__":2}',
])("%s names a member twice", (text) => {
  expect(JSON.parse(text)).toBeTypeOf("object");
  expect(strictJson(text)).toBeUndefined();
});

test.each([
  '{"a":{"a":1},"b":{"a":1}}',
  '[{"a":1},{"a":1}]',
  '{"a":"a","b":"a:"}',
  '{"a":"\\"a\\":1,\\"a\\":2"}',
  '{"a":"{\\"a\\":{","b":"}"}',
  '{"a":["a","a"]}',
])("%s names none twice", (text) => {
  expect(strictJson(text)).toEqual(JSON.parse(text));
});

test.each(["", "{", '{"a":1,}', "{'a':1}", "\ufeff{}", "NaN", "{} {}"])("%j is no JSON", (text) => {
  expect(strictJson(text)).toBeUndefined();
});

test("what is named twice is told by the way to it, as many as are asked for", () => {
  const text = '{"a":[{"b":1},{"c":[1,"x,y",{"d":"{,","d":2}],"c":2}],"\\u0061":3,"a/b":{"":1,"":2}}';
  const all = [["a", 1, "c", 2, "d"], ["a", 1, "c"], ["a"], ["a/b", ""]];
  expect(namedTwice(text, 20)).toEqual(all);
  expect(namedTwice(text, 2)).toEqual(all.slice(0, 2));
  for (const one of ['"a"', "1", "[]", "[[],[1,2],{}]"]) expect(namedTwice(one, 20)).toEqual([]);
}); // prettier-ignore
