// Finding a subsidy by what people call it: 低保户, 玉米钱, 残疾补贴, dibao. Names are compared as they are written, then as
// they sound, and where nothing fits, those that fit in part are offered.

import { sounds } from "./sounds.js";

// What people call a subsidy, and the words of its official name: so that 低保 finds 最低生活保障金.
const EVERYDAY = {
  低保: ["最低生活保障"],
  五保: ["特困人员"],
  两项补贴: ["残疾人"],
  苞米: ["玉米"],
  棒子: ["玉米"],
  黄豆: ["大豆"],
  水稻: ["稻谷"],
  大米: ["稻谷"],
  种地: ["耕地地力", "生产者补贴"],
  种田: ["耕地地力", "生产者补贴"],
  农民: ["耕地地力", "生产者补贴"],
  种粮: ["耕地地力", "生产者补贴"],
  粮食: ["耕地地力", "生产者补贴"],
  粮补: ["耕地地力", "生产者补贴"],
  地补: ["耕地地力"],
  供暖: ["取暖"],
  采暖: ["取暖"],
  暖气: ["取暖"],
  烤火: ["取暖"],
  盖房: ["危房"],
  修房: ["危房"],
  廉租房: ["租赁"],
  公租房: ["租赁"],
  租房: ["租赁"],
  房租: ["租赁"],
  大学: ["本专科", "研究生", "大中专"],
  中专: ["中等职业", "大中专"],
  技校: ["中等职业"],
  上学: ["助学金", "学生", "雨露"],
  学费: ["助学金", "学生", "雨露"],
  社保: ["社会保险"],
  物价: ["价格临时"],
  救急: ["临时救助"],
};

// What every other name ends with tells nothing apart, and people exchange it freely: 玉米补助, 玉米钱.
const ENDINGS = ["补贴", "补助", "津贴", "资金", "费", "钱", "户", "金", "款", "的"];

const MOST_OFFERED = 6;
const SHORTEST = 2;

/** The names that are asked for, the best first; where there are none, `near` holds those that fit in part. */
export function find(names, question) {
  const words = question.toLowerCase().split(/\s+/).map(plain).filter(Boolean);
  if (!words.length) {
    return { found: names, near: [] };
  }
  const written = grades(names, words, characters);
  const heard = grades(names, words, sounds);
  const asked = words.join("");
  // An everyday word means more than the names it happens to stand in: 低保 is 最低生活保障金 too.
  const literal = !Object.keys(EVERYDAY).some((word) => asked.includes(word));
  const attempts = [
    names.filter((name) => literal && plain(name).includes(asked)),
    names.filter((name) => written.get(name).whole),
    names.filter((name) => written.get(name).share === 1),
    names.filter((name) => heard.get(name).whole),
  ];
  const found = attempts.find((attempt) => attempt.length);
  return found ? { found, near: [] } : { found: [], near: nearest(names, /[a-z]/.test(asked) ? heard : written) };
}

function characters(text) {
  return Array.from(text);
}

function plain(text) {
  return text.replace(/[^0-9a-z\u4e00-\u9fff]/g, "");
}

/** Of every name: whether it holds every part of the question as it stands (`whole`), how much it holds in such parts
    (`firm`) and in all (`share`), and whether it alone holds some character (`alone`). `spell` makes a text a list of
    what is compared. */
function grades(names, words, spell) {
  const parts = [].concat(...words.map((word) => cut(withoutEndings(spell(word), spell), spell)));
  const wanted = parts.reduce((sum, part) => sum + part.units.length, 0);
  const held = names.map((name) => holding(spell(plain(name)), parts));
  const holders = {};
  held.forEach((each) => each.units.forEach((unit) => (holders[unit] = (holders[unit] || 0) + 1)));
  return new Map(
    names.map((name, index) => {
      const { firm, units } = held[index];
      const share = (firm + units.length) / wanted;
      return [name, { whole: firm === wanted, firm, share, alone: units.some((unit) => holders[unit] === 1) }];
    }),
  );
}

function withoutEndings(units, spell) {
  const endings = ENDINGS.map((ending) => spell(ending));
  const everyday = Object.keys(EVERYDAY).map((word) => spell(word));
  let rest = units;
  for (;;) {
    const ending = endings.find((each) => rest.length - each.length >= SHORTEST && endsWith(rest, each));
    // 学费 is a word of its own.
    if (!ending || everyday.some((word) => endsWith(rest, word))) {
      return rest;
    }
    rest = rest.slice(0, -ending.length);
  }
}

/** Cuts everyday words out; each part is what is asked, and what may stand for it in a name. */
function cut(units, spell) {
  const everyday = Object.keys(EVERYDAY).map((word) => ({
    units: spell(word),
    official: EVERYDAY[word].map((official) => spell(official)),
  }));
  const parts = [];
  let other = [];
  const close = () => {
    if (other.length) {
      parts.push({ units: other, official: [] });
    }
    other = [];
  };
  for (let at = 0; at < units.length; ) {
    const word = everyday.find((each) => contains(units.slice(at, at + each.units.length), each.units));
    if (word) {
      close();
      parts.push(word);
      at += word.units.length;
    } else {
      other.push(units[at]);
      at += 1;
    }
  }
  close();
  return parts;
}

function holding(name, parts) {
  const asked = (part) => contains(name, part.units) || part.official.some((official) => contains(name, official));
  const firm = parts.filter(asked).reduce((sum, part) => sum + part.units.length, 0);
  const loose = [].concat(...parts.filter((part) => !asked(part)).map((part) => part.units));
  return { firm, units: loose.filter((unit) => name.includes(unit)) };
}

/** What holds most of the question: a part of it as it stands counts before single characters, and of these there must
    be more than half, or half with one that no other name has. */
function nearest(names, graded) {
  const worth = (name) => {
    const { firm, share, alone } = graded.get(name);
    return firm || (share > 0.5 || (share === 0.5 && alone) ? share : 0);
  };
  const best = Math.max(...names.map(worth));
  return best ? names.filter((name) => worth(name) === best).slice(0, MOST_OFFERED) : [];
}

function contains(units, wanted) {
  return ` ${units.join(" ")} `.includes(` ${wanted.join(" ")} `);
}

function endsWith(units, ending) {
  return contains(units.slice(-ending.length), ending);
}
