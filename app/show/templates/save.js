// Saves a figure of the page as SVG or PNG, drawn here; nothing is sent anywhere.
const INHERITED = ["fill", "stroke", "stroke-width", "stroke-dasharray", "stroke-linecap", "opacity",
  "font-family", "font-size", "font-style", "font-weight", "text-anchor", "paint-order"];

function alone(svg) {
  const copy = svg.cloneNode(true);
  const box = (svg.dataset.whole || svg.getAttribute("viewBox")).split(" ").map(Number);
  const from = [svg, ...svg.querySelectorAll("*")], to = [copy, ...copy.querySelectorAll("*")];
  from.forEach((node, i) => {
    const style = getComputedStyle(node);
    for (const name of INHERITED) {
      const value = style.getPropertyValue(name);
      if (value) to[i].setAttribute(name, value);
    }
    for (const name of ["tabindex", "role", "aria-label", "class"]) to[i].removeAttribute(name);
  });
  copy.setAttribute("xmlns", "http://www.w3.org/2000/svg");
  copy.setAttribute("viewBox", box.join(" "));
  copy.setAttribute("width", box[2]);
  copy.setAttribute("height", box[3]);
  const paper = document.createElementNS("http://www.w3.org/2000/svg", "rect");
  paper.setAttribute("x", box[0]);
  paper.setAttribute("y", box[1]);
  paper.setAttribute("width", box[2]);
  paper.setAttribute("height", box[3]);
  paper.setAttribute("fill", getComputedStyle(document.body).backgroundColor);
  copy.prepend(paper);
  return { text: new XMLSerializer().serializeToString(copy), width: box[2], height: box[3] };
}

function offer(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

function save(svg, kind, name) {
  const drawn = alone(svg);
  const blob = new Blob([drawn.text], { type: "image/svg+xml" });
  if (kind === "svg") return offer(blob, `${name}.svg`);
  const image = new Image(), address = URL.createObjectURL(blob);
  image.onload = () => {
    const canvas = document.createElement("canvas"), scale = 2;
    canvas.width = drawn.width * scale;
    canvas.height = drawn.height * scale;
    canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
    canvas.toBlob(found => offer(found, `${name}.png`), "image/png");
    URL.revokeObjectURL(address);
  };
  image.src = address;
}

for (const savers of document.querySelectorAll(".savers")) {
  const svg = document.querySelector(`#${savers.dataset.of}-figure svg`);
  if (!svg) continue;
  savers.hidden = false;
  savers.addEventListener("click", event => {
    const kind = event.target.dataset.save;
    if (kind) save(svg, kind, `knockwise-${savers.dataset.of}`);
  });
}
