// Search by words, photos, parts of photos and an item, each with a weight.

import { get, itemPath, post, sendForm } from './api.js';
import { el, field, fill, grid, named } from './parts.js';
import { queryPhoto } from './photos.js';
import { refine } from './refine.js';

const SHOWN = 24;
const kept = { words: '', wordsWeight: 1, photos: [], item: null };

export async function search(main, itemId) {
  let wanted = {};
  let timer = 0;
  let running = new AbortController();
  const words = el('input', { id: 'query', type: 'search', maxlength: 200, autocomplete: 'off', value: kept.words,
    placeholder: 'red midi dress', oninput: () => { kept.words = words.value; soon(); } });
  const weight = el('input', { id: 'words-weight', type: 'range', min: -1, max: 1, step: 0.1, value: kept.wordsWeight,
    oninput: () => { kept.wordsWeight = Number(weight.value); told.value = kept.wordsWeight.toFixed(1); soon(); } });
  const told = el('output', { for: 'words-weight' }, kept.wordsWeight.toFixed(1));
  const weighed = el('div', { class: 'field' }, el('label', { for: 'words-weight' }, 'Weight of the words ', told), weight);
  const input = el('input', { id: 'file', type: 'file', accept: 'image/*', multiple: true, class: 'hidden',
    onchange: () => { add(input.files); input.value = ''; } });
  const zone = el('label', { class: 'drop', for: 'file',
    ondragover: (event) => { event.preventDefault(); zone.classList.add('over'); },
    ondragleave: () => zone.classList.remove('over'),
    ondrop: (event) => { event.preventDefault(); zone.classList.remove('over'); add(event.dataTransfer.files); } },
  el('strong', {}, 'Drop photos here'), el('span', {}, 'or choose them'),
  el('small', {}, 'They are looked at once and not kept.'));
  const photos = el('ul', { class: 'query-photos', 'aria-label': 'Photos of the query' });
  const liked = el('p', { class: 'liked' });
  const results = el('section', { 'aria-label': 'Results', 'aria-live': 'polite' });
  const shows = el('div', { class: 'shown' });
  main.replaceChildren(el('h1', {}, 'Search'), el('div', { class: 'search' },
    el('div', { class: 'query' },
      el('form', { role: 'search', class: 'words', onsubmit: (event) => { event.preventDefault(); ask(); } },
        field('Words', words), el('button', { type: 'submit' }, 'Search')),
      weighed, el('div', { class: 'file' }, input, zone), photos, liked,
      refine((changed) => { wanted = changed; soon(); })),
    el('div', {}, shows, results)));
  kept.photos.splice(0).forEach((photo) => append(photo.file));
  if (itemId !== undefined) await like(itemId);
  showLiked();
  ask();

  function add(files) {
    [...files].forEach(append);
    ask();
  }

  function append(file) {
    const photo = queryPhoto(file, soon, (gone) => {
      kept.photos.splice(kept.photos.indexOf(gone), 1);
      gone.node.remove();
      input.focus();
      ask();
    });
    kept.photos.push(photo);
    photos.append(photo.node);
  }

  async function like(id) {
    try {
      kept.item = (await get(itemPath(id))).item;
    } catch { kept.item = null; }
  }

  function showLiked() {
    liked.replaceChildren(...(kept.item ? ['Like ', el('strong', {}, named(kept.item)), ' ',
      el('button', { type: 'button', class: 'small', onclick: () => { kept.item = null; showLiked(); ask(); } },
        'Without it')] : []));
  }

  function soon() {
    clearTimeout(timer);
    timer = setTimeout(ask, 250);
  }

  function ask() {
    clearTimeout(timer);
    running.abort();
    running = new AbortController();
    const text = kept.words.trim();
    weighed.hidden = !(text && (kept.photos.length || kept.item));
    zone.classList.toggle('short', kept.photos.length > 0);
    zone.firstChild.textContent = kept.photos.length ? 'Add another photo' : 'Drop photos here';
    if (!text && !kept.photos.length && !kept.item) {
      shows.replaceChildren();
      results.replaceChildren(el('p', { class: 'empty' },
        'Say what you look for, show it, or both. Weights below zero lead away from a thing.'));
      return;
    }
    const query = { k: SHOWN, ...wanted };
    if (text) query.text = [{ text, weight: weighed.hidden ? 1 : kept.wordsWeight }];
    if (kept.item) query.items = [{ item_id: kept.item.item_id }];
    if (kept.photos.length) query.photos = kept.photos.map(({ weight: by, box }) => ({ weight: by, box }));
    const files = kept.photos.map((photo) => photo.file);
    const answered = files.length ? sendForm('POST', '/v1/search', ['photo', files], 'query', query, running.signal)
      : post('/v1/search', query, running.signal);
    fill(results, answered, (answer) => {
      shows.replaceChildren(...whatItShows(answer));
      return [el('h2', {}, 'Found'), grid(answer.items, 'Found')];
    }).then((ended) => ended === false && shows.replaceChildren());
  }
}

function whatItShows(answer) {
  const groups = [['Category', answer.categories], ...Object.entries(answer.attributes)]
    .filter(([, names]) => names.length);
  if (!groups.length) return [];
  return [el('h2', {}, 'What it shows'), el('div', { class: 'groups' }, groups.map(([name, names]) =>
    el('div', {}, el('h3', {}, name.replaceAll('_', ' ')), el('ul', { class: 'bars' },
      names.slice(0, 3).map(bar)))))];
}

function bar({ name, probability }) {
  const percent = Math.round(probability * 100);
  const filled = el('span', { class: 'filled' });
  filled.style.width = `${percent}%`;
  return el('li', {}, el('span', { class: 'bar-name' }, name.split(' > ').pop()),
    el('span', { class: 'bar', 'aria-hidden': 'true' }, filled), el('span', { class: 'percent' }, `${percent}%`));
}
