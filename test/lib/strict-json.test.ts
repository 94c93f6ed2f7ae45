import fc from "fast-check";
import { expect, test } from "vitest";
import { strictJson } from "../../src/lib/strict-json.ts";

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
