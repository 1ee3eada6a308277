// The photos of a query: each with a weight, and a box drawn on it where only a part is meant.

import { el, field } from './parts.js';

const WHOLE = [0, 0, 1, 1];
const SIDES = ['Left', 'Top', 'Right', 'Bottom'];
const SMALL = 0.04; // a box this small was a click

let made = 0;

// One photo; `changed` is called whenever its box or its weight is another, `removed` once.
export function queryPhoto(file, changed, removed) {
  made += 1;
  const id = `photo-${made}`;
  const photo = { file, weight: 1, box: null };
  const address = URL.createObjectURL(file);
  const drawn = el('span', { class: 'box hidden' });
  const image = el('img', { src: address, alt: `Photo ${file.name}`, draggable: 'false' });
  const stage = el('span', { class: 'stage' }, image, drawn);
  const weight = el('input', { id: `${id}-weight`, type: 'range', min: -1, max: 1, step: 0.1, value: 1,
    oninput: () => { photo.weight = Number(weight.value); told.value = photo.weight.toFixed(1); changed(); } });
  const told = el('output', { for: weight.id }, '1.0');
  const sides = SIDES.map((side, at) => el('input', { id: `${id}-${side}`, type: 'number', min: 0, max: 100, step: 1,
    value: 100 * WHOLE[at], oninput: typed }));
  const whole = el('button', { type: 'button', class: 'small', onclick: () => { set(null); changed(); } }, 'Whole photo');
  photo.node = el('li', { class: 'query-photo' }, stage,
    el('div', { class: 'field' }, el('label', { for: weight.id }, 'Weight ', told), weight),
    el('details', { class: 'part' }, el('summary', {}, 'Only a part'),
      el('p', {}, 'Draw a box on the photo, or give its sides in percent.'),
      el('div', { class: 'sides' }, SIDES.map((side, at) => field(side, sides[at])), whole)),
    el('button', { type: 'button', class: 'small', 'aria-label': `Remove photo ${file.name}`, onclick: () => {
      URL.revokeObjectURL(address);
      removed(photo);
    } }, 'Remove'));
  image.addEventListener('error', () => image.replaceWith(el('span', { class: 'no-photo' }, 'cannot be shown')));
  drawing(stage, (box) => set(box), changed);

  function set(box) {
    photo.box = box;
    drawn.classList.toggle('hidden', !box);
    const [left, top, right, bottom] = box || WHOLE;
    Object.assign(drawn.style, { left: `${100 * left}%`, top: `${100 * top}%`,
      width: `${100 * (right - left)}%`, height: `${100 * (bottom - top)}%` });
    sides.forEach((input, at) => { input.value = Math.round(100 * (box || WHOLE)[at]); });
  }

  function typed() {
    const [left, top, right, bottom] = sides.map((input) => Math.min(1, Math.max(0, Number(input.value) / 100)));
    if (!(left < right && top < bottom)) return;
    const box = [left, top, right, bottom];
    photo.box = box.every((value, at) => value === WHOLE[at]) ? null : box;
    drawn.classList.toggle('hidden', !photo.box);
    Object.assign(drawn.style, { left: `${100 * left}%`, top: `${100 * top}%`,
      width: `${100 * (right - left)}%`, height: `${100 * (bottom - top)}%` });
    changed();
  }
  return photo;
}

// Pointer drawing: down, move, up; a click without a move takes the box away.
function drawing(stage, set, done) {
  let start = null;
  const at = (event) => {
    const { left, top, width, height } = stage.getBoundingClientRect();
    return [(event.clientX - left) / width, (event.clientY - top) / height]
      .map((share) => Math.min(1, Math.max(0, share)));
  };
  const box = (event) => {
    const [x, y] = at(event);
    const found = [Math.min(start[0], x), Math.min(start[1], y), Math.max(start[0], x), Math.max(start[1], y)];
    return found[2] - found[0] < SMALL || found[3] - found[1] < SMALL ? null : found;
  };
  stage.addEventListener('pointerdown', (event) => {
    event.preventDefault();
    start = at(event);
    stage.setPointerCapture(event.pointerId);
  });
  stage.addEventListener('pointermove', (event) => start && set(box(event)));
  stage.addEventListener('pointerup', (event) => {
    if (!start) return;
    set(box(event));
    start = null;
    done();
  });
  stage.addEventListener('pointercancel', () => { start = null; });
}
