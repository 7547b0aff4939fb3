// Words of the language in use, and the page's text nodes that follow it.

let language = "en";
let dictionary = {};

export function useWords(words, lang) {
  dictionary = words;
  language = lang;
}

export const currentLanguage = () => language;
export const isChinese = () => language === "zh";

/** The text for `key` with `{name}` filled in; an unknown key is a mistake of ours and says so. */
export function say(key, values = {}) {
  const text = dictionary[language]?.[key];
  if (text === undefined) throw new Error(`no words for ${key}`);
  return fill(text, values);
}

export function fill(text, values) {
  return text.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? String(values[name]) : whole));
}

/** One of a pair (English, Chinese). */
export const either = (pair) => pair[isChinese() ? 1 : 0];

/** Put words where the page asks for them: data-say for text, data-label for aria-label and title. */
export function speak(root = document) {
  for (const node of root.querySelectorAll("[data-say]")) node.textContent = say(node.dataset.say);
  for (const node of root.querySelectorAll("[data-label]")) node.setAttribute("aria-label", say(node.dataset.label));
  for (const node of root.querySelectorAll("[data-hint]")) node.placeholder = say(node.dataset.hint);
}
