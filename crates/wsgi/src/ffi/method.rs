//! Methods that are called once or more for every request, with positional arguments only: what the general ones spend on
//! arguments is more than these have to do.

use std::any::Any;
use std::cell::UnsafeCell;
use std::ffi::CStr;
use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::{ptr, slice};

use pyo3::panic::PanicException;
use pyo3::pyclass::boolean_struct::True;
use pyo3::{Borrowed, Bound, PyAny, PyClass, PyErr, PyResult, Python, ffi};

/// What a method does.
pub(crate) trait Method: 'static {
    /// Whose method it is.
    type Owner: PyClass<Frozen = True> + Sync;

    fn call<'py>(
        owner: &Bound<'py, Self::Owner>,
        arguments: &Arguments<'_, 'py>,
    ) -> PyResult<Bound<'py, PyAny>>;
}

/// Positional arguments.
pub(crate) struct Arguments<'a, 'py> {
    py: Python<'py>,
    /// Of live objects, which the caller of the method holds.
    objects: &'a [*mut ffi::PyObject],
}

impl<'a, 'py> Arguments<'a, 'py> {
    pub(crate) fn len(&self) -> usize {
        self.objects.len()
    }

    pub(crate) fn at(&self, place: usize) -> Option<Borrowed<'a, 'py, PyAny>> {
        // SAFETY: `entry` makes these of what CPython calls it with, which lives as long as the call.
        self.objects.get(place).map(|object| unsafe { Borrowed::from_ptr(self.py, *object) })
    }
}

/// A method with its name, as CPython knows it.
pub(crate) struct Definition<M> {
    record: UnsafeCell<ffi::PyMethodDef>,
    method: PhantomData<M>,
}

// SAFETY: CPython only reads the record, and nobody writes it; the type of the method is but a name.
unsafe impl<M> Sync for Definition<M> {}

impl<M: Method> Definition<M> {
    pub(crate) const fn new(name: &'static CStr) -> Self {
        let record = ffi::PyMethodDef {
            ml_name: name.as_ptr(),
            ml_meth: ffi::PyMethodDefPointer { PyCFunctionFast: entry::<M> },
            ml_flags: ffi::METH_FASTCALL,
            ml_doc: ptr::null(),
        };
        Self { record: UnsafeCell::new(record), method: PhantomData }
    }

    /// The method of `owner`, to be called from Python.
    pub(crate) fn bind<'py>(&'static self, owner: &Bound<'py, M::Owner>) -> PyResult<Bound<'py, PyAny>> {
        // SAFETY: the record is static and describes a function for `METH_FASTCALL`; `owner` is live, and is of the type that the
        // function takes it for. The result is a new reference, or null with an exception set.
        unsafe {
            let made = ffi::PyCFunction_NewEx(self.record.get(), owner.as_ptr(), ptr::null_mut());
            Bound::from_owned_ptr_or_err(owner.py(), made)
        }
    }
}

/// What CPython calls.
// SAFETY: called by CPython only, through the record of a `Definition`: with the object that `bind` was given and `count`
// live objects.
unsafe extern "C" fn entry<M: Method>(
    this: *mut ffi::PyObject,
    objects: *mut *mut ffi::PyObject,
    count: ffi::Py_ssize_t,
) -> *mut ffi::PyObject {
    Python::attach(|py| {
        let objects = if count <= 0 {
            &[]
        } else {
            // SAFETY: CPython passes an array of `count` live objects, which the caller holds for the time of the call.
            unsafe { slice::from_raw_parts(objects, count.unsigned_abs()) }
        };
        // SAFETY: `this` is the object that `bind` was given, which its method keeps alive.
        let owner = unsafe { Borrowed::from_ptr(py, this).cast_unchecked::<M::Owner>() };
        let called = catch_unwind(AssertUnwindSafe(|| M::call(&owner, &Arguments { py, objects })));
        match called.unwrap_or_else(|panic| Err(of_panic(&*panic))) {
            Ok(value) => value.into_ptr(),
            Err(error) => {
                error.restore(py);
                ptr::null_mut()
            }
        }
    })
}

/// A defect of ours goes through Python as the exception that becomes a panic again where it leaves.
fn of_panic(panic: &(dyn Any + Send)) -> PyErr {
    let text = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref().map(String::as_str));
    PanicException::new_err((text.unwrap_or("panic").to_owned(),))
}

#[cfg(test)]
mod tests {
    use pyo3::exceptions::PyValueError;
    use pyo3::types::{PyAnyMethods, PyTuple};
    use pyo3::{IntoPyObject, pyclass};

    use super::*;

    #[pyclass(frozen)]
    struct Holder(usize);

    struct Counts;

    static COUNTS: Definition<Counts> = Definition::new(c"counts");

    impl Method for Counts {
        type Owner = Holder;

        fn call<'py>(
            owner: &Bound<'py, Holder>,
            arguments: &Arguments<'_, 'py>,
        ) -> PyResult<Bound<'py, PyAny>> {
            let last = arguments.len().checked_sub(1).and_then(|place| arguments.at(place));
            match owner.get().0 {
                0 => panic!("a defect"),
                1 => Err(PyValueError::new_err("an error")),
                _ => Ok((arguments.len(), last.map(|last| last.to_owned().unbind()))
                    .into_pyobject(owner.py())?
                    .into_any()),
            }
        }
    }

    fn method(py: Python<'_>, number: usize) -> Bound<'_, PyAny> {
        COUNTS.bind(&Bound::new(py, Holder(number)).unwrap()).unwrap()
    }

    #[test]
    fn arguments_come_in_their_order_and_number() {
        Python::initialize();
        Python::attach(|py| {
            let method = method(py, 2);
            let called = |arguments: Bound<'_, PyTuple>| method.call1(arguments).unwrap().to_string();
            assert_eq!(called(PyTuple::empty(py)), "(0, None)");
            assert_eq!(called(PyTuple::new(py, [7, 8, 9]).unwrap()), "(3, 9)");
        });
    }

    #[test]
    fn errors_and_panics_become_exceptions() {
        Python::initialize();
        Python::attach(|py| {
            let text = |number| method(py, number).call0().unwrap_err().to_string();
            assert_eq!(text(1), "ValueError: an error");
            // A panic that has become an exception is one again when Rust sees it.
            let panic = catch_unwind(AssertUnwindSafe(|| text(0))).unwrap_err();
            assert_eq!(panic.downcast_ref::<String>().map(String::as_str), Some("a defect"));
        });
    }
}
