// How the characters of the subsidies' names sound, and those that are often typed in their place: so that `dibao` and
// 低堡 find 低保. A character that is missing here is still found as it is written.

const SPELLED = [
  "ai艾 bang棒 bao保苞堡宝包 ben本 bi毕 bian边 biao标 bing病 bu补 cai彩财采 can残惨 chan产 cheng城程 chi持 ci次 cun村",
  "da大 dao稻道到 de的 deng等 di低地底抵 dong动 dou豆斗逗 du度毒读 er儿 fa发 fang房 fei费 fu扶抚福复 gai改盖 gan感 gang岗",
  "gao高 ge格 geng耕 gong工公共供 gu孤谷古骨股姑估 guan管 guo国 han含 he和 hou后 hu护户 hua划 huang黄 hui会 huo活火",
  "ji疾及基计技济寄急圾 jia价家 jiang奖 jiao交教 jin金津 jing经 jiu救就究 kang康 kao烤 ke科 ku库 kuan款 kun困 li理励力立利",
  "lian廉联 liang粮两 liao料疗 lin临赁林 ling灵零令 lu露路芦 meng梦 mi米迷 min民 ming明 mu目 nan难 neng能 nian念 nong农",
  "nuan暖 pei培赔陪 pu普 qi期气奇 qian钱 qin钦亲 qu取区曲娶 ran染 ren人 san三 shang上 she社 sheng生升 shi市时事实食 shu书",
  "shui水 su宿 tai态 te特 ti提 tian天田 tie贴帖铁 ting庭 tong童通 wei位危维为围 wu无务五物伍吴 xian险 xiang项乡 xiao校",
  "xing型性 xiu修 xue学 xun训 yan研 yang养 ye业 yi移一医益义 yu育玉雨预 yuan员缘圆院 zao造 zhang障 zhao照 zhe者 zheng政",
  "zhi直支职志制 zhong中重种 zhu助住驻 zhuan专 zi资滋子 zu租 zui最",
];

const SOUNDS = {};
SPELLED.join(" ")
  .split(" ")
  .forEach((entry) => {
    const [, sound, characters] = /^([a-z]+)(.+)$/.exec(entry);
    Array.from(characters).forEach((character) => {
      SOUNDS[character] = sound;
    });
  });
const KNOWN = new Set(Object.values(SOUNDS));
const LONGEST = 6;

/** A text as a list of sounds; letters are cut into the longest sounds that are known. */
export function sounds(text) {
  const heard = [];
  let rest = text;
  while (rest) {
    let taken = Math.min(LONGEST, rest.length);
    while (taken > 1 && !KNOWN.has(rest.slice(0, taken))) {
      taken -= 1;
    }
    const piece = rest.slice(0, taken);
    heard.push(SOUNDS[piece] || piece);
    rest = rest.slice(taken);
  }
  return heard;
}
