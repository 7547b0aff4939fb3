// The lint of the report's script, and of the one that shows tiles: what a linter would ask, without one to install.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync, readdirSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const folders = ["../../../spatial/report/static/", "../../../spatial/maps/raster/"].map((path) => fileURLToPath(new URL(path, import.meta.url)));
const scripts = (folder) => readdirSync(folder).filter((name) => name.endsWith(".js")).map((name) => [name, folder + name]);
const path = Object.fromEntries(folders.flatMap(scripts));
const names = Object.keys(path);
const text = Object.fromEntries(names.map((name) => [name, readFileSync(path[name], "utf8")]));
const code = (name) => text[name].replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, "");
const imports = (name) => [...code(name).matchAll(/^import \{([^}]*)\} from "\.\/(\w+)\.js";$/gm)].map(([, list, from]) => [list.split(",").map((word) => word.trim()), `${from}.js`]);
const exported = (name) => [...code(name).matchAll(/^export (?:const|let|function|class) (\w+)/gm)].map(([, word]) => word);
const times = (word, where) => (where.match(new RegExp(`(?<![\\w$])(?<!(?<!\\.\\.)\\.)${word}(?![\\w$])`, "g")) ?? []).length;

test("there is a script", () => assert.ok(names.length >= 9));

for (const name of names) {
  test(`${name}: the engine reads it`, () => {
    const { status, stderr } = spawnSync(process.execPath, ["--check", path[name]], { encoding: "utf8" });
    assert.equal(status, 0, stderr);
  });
  test(`${name}: says what it is, and is no longer than a screenful of thoughts`, () => {
    assert.match(text[name], /^\/\/ [A-Z]/);
    assert.ok(text[name].split("\n").length < 400);
    assert.ok(text[name].endsWith("}\n") || text[name].endsWith(";\n"));
    assert.ok(text[name].split("\n").every((line) => line.length <= 180 && line === line.trimEnd() && !line.includes("\t")));
  });
  test(`${name}: uses no construct that hides mistakes`, () => {
    for (const banned of [/\bvar\b/, /[^=!<>]==[^=]/, /!=[^=]/, /\beval\b/, /\bnew Function\b/, /\bconsole\b/, /\bdebugger\b/, /\bfetch\b/, /XMLHttpRequest/, /document\.write/]) {
      assert.doesNotMatch(code(name), banned);
    }
  });
  test(`${name}: imports what it uses and uses what it imports`, () => {
    for (const [words, from] of imports(name)) {
      assert.deepEqual(words, [...words].sort(), `the order of ${words}`);
      for (const word of words) {
        assert.ok(exported(from).includes(word), `${from} has no ${word}`);
        assert.ok(times(word, code(name)) > 1, `${word} is not used`);
      }
    }
  });
  test(`${name}: exports nothing in vain, and declares nothing in vain`, () => {
    const others = names.filter((other) => other !== name).map(code).join("\n");
    const tests = readdirSync(new URL(".", import.meta.url)).map((file) => file.endsWith(".js") ? readFileSync(new URL(file, import.meta.url), "utf8") : "").join("\n");
    for (const word of exported(name)) assert.ok(times(word, others) + times(word, tests) > 0, `${word} is exported for nobody`);
    for (const [, word] of code(name).matchAll(/^\s*(?:export )?(?:const|let|function|class) (\w+)/gm)) assert.ok(times(word, code(name)) > 1 || exported(name).includes(word), `${word} is never used`);
  });
}

test("markup is written only where its texts are escaped or are numbers of ours", () => {
  const writers = names.filter((name) => /innerHTML/.test(code(name)));
  assert.deepEqual(writers.sort(), ["table.js", "time.js"]);
});
