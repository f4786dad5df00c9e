// How wide text is as the browser draws it: SVG cuts off nothing by itself.

let context: CanvasRenderingContext2D | null | undefined;

/** Returns text that takes at most so many pixels in a font as CSS has it (`550 13px`), cut off where it would take more. */
export function cutToWidth(text: string, width: number, font: string): string {
  context ??= document.createElement('canvas').getContext('2d');
  if (!context) {
    return text;
  }
  context.font = `${font} ${getComputedStyle(document.documentElement).fontFamily}`;
  if (context.measureText(text).width <= width) {
    return text;
  }
  let letters = text.length;
  while (letters > 1 && context.measureText(`${text.slice(0, letters)}…`).width > width) {
    letters -= 1;
  }
  return `${text.slice(0, letters)}…`;
}
