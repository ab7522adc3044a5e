// Loaded with `nomodule`, so only by browsers that cannot run the pages' own modules: they are told so.
(function () {
  "use strict";
  document.addEventListener("DOMContentLoaded", function () {
    var notice = document.createElement("p");
    notice.className = "notice bad";
    notice.textContent =
      "您的浏览器版本太旧，这一页的内容显示不出来。请换一个浏览器，或者打 12333（社会保障卡和补贴发放）、12345（政务服务）询问。";
    document.getElementById("main").appendChild(notice);
  });
})();
