// Money, days and periods as a villager reads them.

/** Fen as yuan: 123456 → "1,234.56元". Integers all the way, no float touches money. */
export function yuan(fen) {
  const sign = fen < 0 ? "-" : "";
  const digits = String(Math.abs(fen)).padStart(3, "0");
  const whole = digits.slice(0, -2).replace(/\B(?=(\d{3})+$)/g, ",");
  return `${sign}${whole}.${digits.slice(-2)}元`;
}

/** 123456 → "123,456". */
export function count(number) {
  return String(number).replace(/\B(?=(\d{3})+$)/g, ",");
}

/** "2023-06-09" → "2023年6月9日"; anything else as it is. */
export function day(text) {
  const parts = /^(\d{4})-(\d{2})-(\d{2})$/.exec(text || "");
  return parts ? `${parts[1]}年${Number(parts[2])}月${Number(parts[3])}日` : text || "";
}

const HALVES = { 1: "上半年", 2: "下半年" };
const QUARTERS = { 1: "第一季度", 2: "第二季度", 3: "第三季度", 4: "第四季度" };

/** 发放属期: the period a payment is for. "2023-06", "2023Q2", "2023H1", "2023", "2023#SPRING" (or "_" for "#"). */
export function slot(text) {
  const parts = /^(\d{4})(?:-(\d{2})|Q([1-4])|H([12])|[#_](.+))?$/.exec(text || "");
  if (!parts) {
    return text || "";
  }
  const year = `${parts[1]}年`;
  if (parts[2]) {
    return `${year}${Number(parts[2])}月`;
  }
  if (parts[3]) {
    return year + QUARTERS[parts[3]];
  }
  if (parts[4]) {
    return year + HALVES[parts[4]];
  }
  return parts[5] ? `${year}（${parts[5]}）` : year;
}

/** A file's size: 183000 → "183 KB". */
export function size(bytes) {
  return bytes < 1000000 ? `${Math.max(1, Math.round(bytes / 1000))} KB` : `${(bytes / 1000000).toFixed(1)} MB`;
}
