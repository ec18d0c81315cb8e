"""Fetching one page ahead."""

import gc
import sys
import threading
from contextlib import closing

import pytest

from talent_pool.landing.fetching import ahead, undisturbed


class Pages:
    """Pages 1 to `last`; notes which were asked for, by which thread, and whether it was closed."""

    def __init__(self, last, error=None):
        self.last, self.error = last, error
        self.asked, self.threads, self.closed = [], set(), False

    def __call__(self):
        try:
            for number in range(1, self.last + 1):
                self.asked.append(number)
                self.threads.add(threading.current_thread())
                yield number
            if self.error:
                raise self.error
        finally:
            self.closed = True


def test_pages_come_in_order_and_from_another_thread():
    pages = Pages(5)
    assert list(ahead(pages())) == [1, 2, 3, 4, 5]
    assert threading.current_thread() not in pages.threads
    assert pages.closed


def test_no_more_than_one_is_ahead():
    pages = Pages(9)
    with closing(ahead(pages())) as coming:
        for number in coming:
            assert len(pages.asked) <= number + 1
            if number == 4:
                break
    assert len(pages.asked) <= 5
    assert pages.closed


def test_error_comes_after_the_pages_before_it():
    pages = ahead(Pages(3, ValueError("cut off"))())
    got = [next(pages), next(pages), next(pages)]
    with pytest.raises(ValueError, match="cut off"):
        next(pages)
    assert got == [1, 2, 3]


def test_no_thread_is_left():
    before = threading.active_count()
    with pytest.raises(ZeroDivisionError):
        _ = [1 / 0 for _ in ahead(Pages(3)())]
    gc.collect()
    assert threading.active_count() == before


def test_interpreter_is_left_as_it_was():
    before = gc.get_threshold(), sys.getswitchinterval()
    with undisturbed():
        assert gc.get_threshold() != before[0]
    assert (gc.get_threshold(), sys.getswitchinterval()) == before
