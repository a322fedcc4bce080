"""One forward pass as a page to look at: `forward_record.py`, then `page_data.py`, then `page.py`."""
