"""Orders that belong together: `group` says what each leg should work for, `book` which groups there are, `room` sends, replaces and cancels."""
