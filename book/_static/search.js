// The search: the sections that have the words asked for, best first. tools/search.py writes what it looks through.
globalThis.Search = (() => {
  const COMMON = new Set("a an and are as at be by do does for from how in is it of on or that the to was what when why with".split(" "));
  const MOST = 20; // hits that are shown
  const LONG = 240; // characters of a snippet, about
  const SIGNS = /[\ufff9\ufffb]/g; // around what a text stresses
  const STRESSED = /\ufff9([^\ufffb]*)\ufffb/g;
  const WORD = /\p{N}+(?:,\p{N}{3})+(?!\p{N})|[\p{L}\p{N}]+(?:×[\p{L}\p{N}]+)*/gu; // 61,706 and 1×1 are one word each

  /** A word as it is compared: without a plural's s, British as American. */
  const stem = (word) => word.replaceAll(",", "").replace(/(?<=[^\d\s]{3})(?<!s)s$/, "").replace(/iz(?=[aei])/g, "is");

  /** The words of a text, each with its place; 1x1 is 1×1. */
  const words = (text) => {
    const even = text.toLowerCase().replace(/(?<=\d)x(?=\d)/g, "×");
    return [...even.matchAll(WORD)].map((found) => ({
      word: stem(found[0]),
      from: found.index,
      to: found.index + found[0].length,
    }));
  };

  /** A text as its words alone, so that phrases can be looked for. */
  const plain = (text) => ` ${words(text).map(({ word }) => word).join(" ")} `;

  const means = (word, asked) => word === asked || (asked.length > 3 && word.startsWith(asked));

  /** What is asked: its words, less the common ones unless there are no others. */
  const terms = (query) => {
    const all = [...new Set(words(query).map(({ word }) => word))];
    const rare = all.filter((word) => !COMMON.has(word));
    return rare.length > 0 ? rare : all;
  };

  /** All sections, taken apart once. */
  const read = (given) =>
    given.map(([address, page, title, signed, last]) => {
      const prose = signed.replaceAll(SIGNS, "");
      return {
        address, page, title, prose, last, words: words(prose).map(({ word }) => word),
        head: plain(title || page), above: title ? plain(page) : "",
        stressed: [...signed.matchAll(STRESSED)].map((found) => plain(found[1])),
      };
    });

  /** How well a section answers, or 0: rare words weigh more; a title, a stressed term and the whole phrase most. */
  const scored = (sections, asked, phrase) => {
    const many = (section, term) => section.words.filter((word) => means(word, term)).length;
    const average = sections.reduce((sum, section) => sum + section.words.length, 0) / sections.length;
    const has = (text, term) => text.trim().split(" ").some((word) => means(word, term));
    const rarity = asked.map((term) => Math.log(1 + sections.length / (1 + sections.filter((one) => many(one, term) > 0).length)));
    return sections.map((section) => {
      const long = 0.4 + (0.6 * section.words.length) / average;
      let score = 0;
      for (const [place, term] of asked.entries()) {
        const count = many(section, term);
        const named = has(section.head, term) ? 1 : 0;
        const above = has(section.above, term) ? 0.5 : 0;
        if (!count && !named) return 0;
        score += rarity[place] * ((2.2 * count) / (count + 1.2 * long) + named + above);
      }
      if (section.head.includes(phrase)) score *= 1.5;
      if (section.stressed.includes(phrase)) score *= 2;
      else if (section.stressed.some((term) => term.includes(phrase))) score *= 1.7;
      else if (asked.length > 1 && ` ${section.words.join(" ")} `.includes(phrase)) score *= 1.5;
      return score;
    });
  };

  /** The best sections for a question; pages that gather what others teach come last. */
  const find = (sections, query) => {
    const asked = terms(query);
    if (asked.length === 0) return [];
    const scores = scored(sections, asked, plain(query));
    return sections
      .map((section, place) => ({ section, score: scores[place] }))
      .filter(({ score }) => score > 0)
      .sort((one, other) => one.section.last - other.section.last || other.score - one.score)
      .map(({ section }) => section);
  };

  /** Whole sentences around the words: those with most of what is asked, and what follows while there is room. */
  const snippet = (prose, asked, phrase) => {
    const sentences = prose.match(/.+?(?:[.?!][”’)]*(?= )|$)/g) ?? [];
    const worth = sentences.map((sentence) => {
      const text = plain(sentence).trim().split(" ");
      return asked.filter((term) => text.some((word) => means(word, term))).length + (plain(sentence).includes(phrase) ? 1 : 0);
    });
    const first = worth.indexOf(Math.max(...worth));
    let text = (sentences[first] ?? "").trim();
    for (const next of sentences.slice(first + 1)) {
      if (text.length + next.length > LONG) break;
      text += next;
    }
    if (text.length <= 1.5 * LONG) return text;
    const place = words(text).find(({ word }) => asked.some((term) => means(word, term)))?.from ?? 0;
    const from = Math.max(0, text.lastIndexOf(" ", Math.max(0, place - LONG / 2)));
    return `${from > 0 ? "… " : ""}${text.slice(from, text.indexOf(" ", from + LONG)).trim()} …`;
  };

  const made = (name, kind, ...inside) => {
    const element = document.createElement(name);
    if (kind) element.className = kind;
    element.append(...inside);
    return element;
  };

  /** A text with the words that were asked for marked. */
  const marked = (text, asked) => {
    const parts = [];
    let at = 0;
    for (const { word, from, to } of words(text)) {
      if (!asked.some((term) => means(word, term))) continue;
      parts.push(text.slice(at, from), made("mark", "", text.slice(from, to)));
      at = to;
    }
    return [...parts, text.slice(at)];
  };

  const hit = (section, asked, phrase) => {
    const link = made("a", "", ...marked(section.title || section.page, asked));
    const [page, place] = section.address.split("#"); // the page marks what it is told in its address
    link.href = `${page}?${new URLSearchParams({ highlight: asked.join(" ") })}${place ? `#${place}` : ""}`;
    const where = section.title ? [made("p", "where", section.page)] : [];
    return made("li", "", link, ...where, made("p", "snippet", ...marked(snippet(section.prose, asked, phrase), asked)));
  };

  const show = (place, sections, query) => {
    const found = find(sections, query);
    const asked = terms(query);
    const count = `${found.length} ${found.length === 1 ? "section has" : "sections have"} what you asked for`;
    const said = found.length === 0 ? "No section has all of these words." : found.length > MOST ? `${count}; here are the best ${MOST}.` : `${count}.`;
    const status = made("p", "summary", said);
    status.setAttribute("role", "status");
    const list = made("ul", "hits", ...found.slice(0, MOST).map((section) => hit(section, asked, plain(query))));
    const claims = made("a", "", `Look for “${query}” among all claims`);
    claims.href = `book/claims.html?${new URLSearchParams({ words: query })}`;
    place.replaceChildren(status, list, made("p", "", claims, ", each with its evidence."));
  };

  addEventListener("DOMContentLoaded", () => {
    const query = new URLSearchParams(location.search).get("q")?.trim();
    const place = document.getElementById("search-results");
    if (!query || !place) return;
    for (const field of document.querySelectorAll("input[name=q]")) field.value = query;
    document.title = `${query} – ${document.title}`;
    show(place, read(window.SECTIONS), query);
  });
  return { find, read, snippet };
})();
