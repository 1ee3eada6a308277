// Small pieces that every view is made of. Text is set as text, never as markup.

import { withKey } from './api.js';

export function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith('on')) node.addEventListener(name.slice(2), value);
    else if (name === 'class') node.className = value;
    else node.setAttribute(name, value === true ? '' : value);
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return node;
}

export const leaf = (category) => category.split(' > ').pop();
export const named = (item) => item.title || item.item_id;

export function price(item) {
  return item.price === null ? '' : item.price.toLocaleString('en', {
    minimumFractionDigits: 2, maximumFractionDigits: 2 });
}

export function photo(item, size = 256, eager = false) {
  if (!item.photo) return blank();
  const image = el('img', { alt: '', width: size, height: size,
    loading: eager ? 'eager' : 'lazy', decoding: 'async' });
  image.addEventListener('error', () => image.replaceWith(blank()));
  load(image, `${item.photo}${item.photo.includes('?') ? '&' : '?'}size=${size}`);
  return image;
}

// An image cannot send a key, so where there is one the photo is fetched with it.
async function load(image, address) {
  const headers = withKey();
  if (!headers.Authorization) {
    image.src = address;
    return;
  }
  const response = await fetch(address, { headers }).catch(() => null);
  if (!response?.ok) {
    image.replaceWith(blank());
    return;
  }
  const made = URL.createObjectURL(await response.blob());
  image.addEventListener('load', () => URL.revokeObjectURL(made));
  image.src = made;
}

export function field(text, control) {
  return el('div', { class: 'field' }, el('label', { for: control.id }, text), control);
}

function blank() {
  return el('span', { class: 'no-photo' }, 'no photo');
}

export function card(item) {
  const facts = [leaf(item.category), item.brand].filter(Boolean).join(' · ');
  const why = item.reason === undefined ? [] : [
    el('p', { class: 'why' },
      item.reason ? el('span', { class: `reason ${item.reason_kind}` }, item.reason) : null,
      el('span', { class: 'score', title: 'score' },
        el('span', { class: 'hidden' }, 'score '), item.score.toFixed(3))),
  ];
  if (item.explanation) why.push(explained(item.explanation));
  return el('li', { class: item.available ? 'card' : 'card gone' },
    el('a', { href: `#/items/${encodeURIComponent(item.item_id)}` },
      el('span', { class: 'frame' }, photo(item)),
      el('span', { class: 'name' }, named(item)),
      el('span', { class: 'facts' }, facts || '\u00a0', el('span', { class: 'price' }, price(item)))),
    ...why);
}

// What of the history speaks for an item, and what of the item its score comes from.
function explained({ because, parts }) {
  const row = (name, share) => el('li', {}, el('span', {}, name), el('span', {}, `${Math.round(share * 100)}%`));
  return el('details', { class: 'because' }, el('summary', {}, 'Why'),
    because.length ? el('ul', { 'aria-label': 'From the history' },
      because.slice(0, 3).map((each) => row(each.title || each.item_id, each.share))) : null,
    el('ul', { 'aria-label': 'From the item' }, Object.entries(parts).map(([name, share]) => row(PARTS[name] || name, share))));
}

const PARTS = { photo: 'its photo', words: 'what is written of it', id: 'who liked it', context: 'the hour' };

export function grid(items, label) {
  if (!items.length) return el('p', { class: 'empty' }, 'Nothing to show here.');
  return el('ul', { class: 'grid', 'aria-label': label }, items.map(card));
}

export function waiting(count = 8) {
  return el('ul', { class: 'grid waiting', 'aria-hidden': 'true' },
    Array.from({ length: count }, () => el('li', { class: 'card' }, el('span', { class: 'frame' }))));
}

export function trouble(error) {
  return el('div', { class: 'trouble', role: 'alert' },
    el('p', {}, error.message), error.mend ? el('p', { class: 'mend' }, error.mend) : null);
}

export function say(text) {
  document.getElementById('status').textContent = text;
}

// Fills a place with what a promise brings: waiting, then the result or the trouble.
// Tells whether it could be shown; undefined where it was given up for another.
export async function fill(place, promise, show, count = 8) {
  place.replaceChildren(waiting(count));
  try {
    place.replaceChildren(...[show(await promise)].flat());
    return true;
  } catch (error) {
    if (error.name === 'AbortError') return undefined;
    place.replaceChildren(trouble(error));
    return false;
  }
}
