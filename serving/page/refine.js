// What a ranked list is narrowed to and how it is arranged: one panel for every list.

import { get } from './api.js';
import { el, field, leaf } from './parts.js';

// Calls `changed` with {filter, diversity, max_per_brand, collapse}; a name that is missing is unset.
export function refine(changed, open = false) {
  const category = el('select', { id: 'r-category' }, el('option', { value: '' }, 'All'));
  const brand = el('input', { id: 'r-brand', type: 'text', autocomplete: 'off', maxlength: 200, placeholder: 'Any; several with commas' });
  const low = el('input', { id: 'r-low', type: 'number', min: 0, step: 'any', inputmode: 'decimal' });
  const high = el('input', { id: 'r-high', type: 'number', min: 0, step: 'any', inputmode: 'decimal' });
  const more = el('input', { id: 'r-more', type: 'text', autocomplete: 'off', maxlength: 4000, spellcheck: 'false',
    placeholder: '{"attr_color": "red"}', 'aria-describedby': 'r-fault' });
  const fault = el('p', { class: 'fault', id: 'r-fault', role: 'alert' });
  const diversity = el('input', { id: 'r-diversity', type: 'range', min: 0, max: 1, step: 0.05, value: 0 });
  const shown = el('output', { for: 'r-diversity' }, 'as configured');
  const perBrand = el('input', { id: 'r-per-brand', type: 'number', min: 1, max: 100, step: 1, inputmode: 'numeric', placeholder: 'No cap' });
  const collapse = el('input', { id: 'r-collapse', type: 'checkbox' });
  let touched = false;
  diversity.addEventListener('input', () => {
    touched = true;
    shown.value = Number(diversity.value).toFixed(2);
  });
  const summary = el('summary', {}, 'Filter and arrange');
  const panel = el('details', { class: 'refine', open: open || null }, summary,
    el('form', { onsubmit: (event) => event.preventDefault() },
      field('Category', category), field('Brand', brand),
      el('div', { class: 'pair' }, field('Price from', low), field('to', high)),
      field('More, as JSON', more), fault,
      el('div', { class: 'field' }, el('label', { for: 'r-diversity' }, 'Diversity ', shown), diversity),
      el('div', { class: 'pair' }, field('Most per brand', perBrand),
        el('div', { class: 'field check' }, collapse, el('label', { for: 'r-collapse' }, 'One of each look')))));
  let timer = 0;
  panel.addEventListener('input', () => {
    clearTimeout(timer);
    timer = setTimeout(tell, 300);
  });
  fillCategories(category);

  function tell() {
    const wanted = read();
    if (!wanted) return;
    const count = Object.keys(wanted).length - (wanted.filter ? 1 : 0) + (wanted.filter ? Object.keys(wanted.filter).length : 0);
    summary.textContent = count ? `Filter and arrange (${count})` : 'Filter and arrange';
    changed(wanted);
  }

  function read() {
    fault.textContent = '';
    let filter = {};
    try {
      filter = more.value.trim() ? JSON.parse(more.value) : {};
    } catch {
      fault.textContent = 'This is no JSON yet.';
      return null;
    }
    if (category.value) filter.category = category.value;
    const brands = brand.value.split(',').map((each) => each.trim()).filter(Boolean);
    if (brands.length) filter.brand = brands;
    if (low.value || high.value) filter.price = {};
    if (low.value) filter.price.min = Number(low.value);
    if (high.value) filter.price.max = Number(high.value);
    const wanted = {};
    if (Object.keys(filter).length) wanted.filter = filter;
    if (touched) wanted.diversity = Number(diversity.value);
    if (perBrand.value) wanted.max_per_brand = Number(perBrand.value);
    if (collapse.checked) wanted.collapse = true;
    return wanted;
  }
  return panel;
}

// The same for the address of a GET request, where a filter is text.
export const asParameters = ({ filter, ...rest }) => (filter ? { ...rest, filter: JSON.stringify(filter) } : rest);

export async function fillCategories(select, chosen = '') {
  try {
    const { categories } = await get('/v1/categories');
    for (const [name, count] of Object.entries(categories)) {
      const depth = name.split(' > ').length - 1;
      select.append(el('option', { value: name, selected: name === chosen },
        `${'\u00a0\u00a0'.repeat(depth)}${leaf(name)} (${count})`));
    }
  } catch { /* the list beside it tells what is wrong */ }
}
