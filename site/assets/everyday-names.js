// What people call a subsidy, and the words of its official name: so that 低保 finds 最低生活保障金.

const EVERYDAY = {
  低保: ["最低生活保障"],
  五保: ["特困人员"],
  苞米: ["玉米"],
  棒子: ["玉米"],
  黄豆: ["大豆"],
  水稻: ["稻谷"],
  大米: ["稻谷"],
  种地: ["耕地地力", "生产者补贴"],
  种粮: ["耕地地力", "生产者补贴"],
  地补: ["耕地地力"],
  供暖: ["取暖"],
  采暖: ["取暖"],
  暖气: ["取暖"],
  烤火: ["取暖"],
  盖房: ["危房"],
  廉租房: ["租赁"],
  公租房: ["租赁"],
  租房: ["租赁"],
  大学: ["本专科", "研究生", "大中专"],
  中专: ["中等职业", "大中专"],
  技校: ["中等职业"],
  上学: ["助学金", "学生", "雨露"],
  学费: ["助学金", "学生", "雨露"],
  社保: ["社会保险"],
  救急: ["临时救助"],
};

/** Whether an official name is what somebody looks for. Every word of the question must be found. */
export function matches(name, question) {
  return question
    .split(/\s+/)
    .filter(Boolean)
    .every((word) => name.includes(word) || (EVERYDAY[word] || []).some((official) => name.includes(official)));
}
