//! Methods that are called once or more for every request, as a rule with positional arguments: what the general ones spend on
//! arguments is more than these have to do.

use std::any::Any;
use std::cell::UnsafeCell;
use std::ffi::CStr;
use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::{ptr, slice};

use pyo3::exceptions::PyTypeError;
use pyo3::panic::PanicException;
use pyo3::pyclass::boolean_struct::True;
use pyo3::types::{PyString, PyStringMethods, PyTuple, PyTupleMethods};
use pyo3::{Borrowed, Bound, PyAny, PyClass, PyErr, PyResult, Python, ffi};

/// What a method does.
pub(crate) trait Method: 'static {
    /// Whose method it is.
    type Owner: PyClass<Frozen = True> + Sync;

    /// The names of its parameters in their order, for callers that name them.
    const PARAMETERS: &[&str];

    fn call<'py>(
        owner: &Bound<'py, Self::Owner>,
        arguments: &Arguments<'_, 'py>,
    ) -> PyResult<Bound<'py, PyAny>>;
}

/// The arguments in the order of the parameters.
pub(crate) struct Arguments<'a, 'py> {
    py: Python<'py>,
    /// Of live objects, which the caller of the method holds; null where none was given before another one that was named.
    objects: &'a [*mut ffi::PyObject],
}

impl<'a, 'py> Arguments<'a, 'py> {
    pub(crate) fn len(&self) -> usize {
        self.objects.len()
    }

    pub(crate) fn at(&self, place: usize) -> Option<Borrowed<'a, 'py, PyAny>> {
        // SAFETY: `entry` makes these of what CPython calls it with, which lives as long as the call.
        self.objects.get(place).and_then(|object| unsafe { Borrowed::from_ptr_or_opt(self.py, *object) })
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
            ml_meth: ffi::PyMethodDefPointer { PyCFunctionFastWithKeywords: entry::<M> },
            ml_flags: ffi::METH_FASTCALL | ffi::METH_KEYWORDS,
            ml_doc: ptr::null(),
        };
        Self { record: UnsafeCell::new(record), method: PhantomData }
    }

    /// The method of `owner`, to be called from Python.
    pub(crate) fn bind<'py>(&'static self, owner: &Bound<'py, M::Owner>) -> PyResult<Bound<'py, PyAny>> {
        // SAFETY: the record is static and describes a function for `METH_FASTCALL | METH_KEYWORDS`; `owner` is live, and is of the
        // type that the function takes it for. The result is a new reference, or null with an exception set.
        unsafe {
            let made = ffi::PyCFunction_NewEx(self.record.get(), owner.as_ptr(), ptr::null_mut());
            Bound::from_owned_ptr_or_err(owner.py(), made)
        }
    }
}

/// What CPython calls.
// SAFETY: called by CPython only, through the record of a `Definition`: with the object that `bind` was given, `count` live objects
// and behind them one for each of `names`, which is a tuple of strings or null.
unsafe extern "C" fn entry<M: Method>(
    this: *mut ffi::PyObject,
    objects: *const *mut ffi::PyObject,
    count: ffi::Py_ssize_t,
    names: *mut ffi::PyObject,
) -> *mut ffi::PyObject {
    Python::attach(|py| {
        // SAFETY: as the function's.
        let names =
            unsafe { Borrowed::from_ptr_or_opt(py, names).map(|names| names.cast_unchecked::<PyTuple>()) };
        let count = count.unsigned_abs();
        let all = count + names.map_or(0, |names| names.len());
        // SAFETY: CPython passes an array of so many live objects, which the caller holds for the time of the call.
        let objects = if all == 0 { &[] } else { unsafe { slice::from_raw_parts(objects, all) } };
        // SAFETY: `this` is the object that `bind` was given, which its method keeps alive.
        let owner = unsafe { Borrowed::from_ptr(py, this).cast_unchecked::<M::Owner>() };
        let call = || {
            let ordered: Vec<_>;
            let objects = match names {
                None => objects,
                Some(names) => {
                    ordered = in_order(M::PARAMETERS, objects.split_at(count), &names)?;
                    &ordered
                }
            };
            M::call(&owner, &Arguments { py, objects })
        };
        match catch_unwind(AssertUnwindSafe(call)).unwrap_or_else(|panic| Err(of_panic(&*panic))) {
            Ok(value) => value.into_ptr(),
            Err(error) => {
                error.restore(py);
                ptr::null_mut()
            }
        }
    })
}

/// Puts named arguments behind the positional ones, each where its parameter stands.
#[cold]
fn in_order(
    parameters: &[&str],
    (positional, named): (&[*mut ffi::PyObject], &[*mut ffi::PyObject]),
    names: &Bound<'_, PyTuple>,
) -> PyResult<Vec<*mut ffi::PyObject>> {
    let mut objects = positional.to_vec();
    for (name, object) in names.iter().zip(named) {
        let name = name.cast::<PyString>()?.to_str()?;
        let Some(place) = parameters.iter().position(|parameter| *parameter == name) else {
            let parameters = parameters.join(", ");
            return Err(PyTypeError::new_err(format!("there is no parameter '{name}', only {parameters}")));
        };
        if place >= objects.len() {
            objects.resize(place + 1, ptr::null_mut());
        }
        if !objects[place].is_null() {
            return Err(PyTypeError::new_err(format!("'{name}' was given twice")));
        }
        objects[place] = *object;
    }
    Ok(objects)
}

/// A defect of ours goes through Python as the exception that becomes a panic again where it leaves.
fn of_panic(panic: &(dyn Any + Send)) -> PyErr {
    let text = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref().map(String::as_str));
    PanicException::new_err((text.unwrap_or("panic").to_owned(),))
}

#[cfg(test)]
mod tests {
    use pyo3::exceptions::PyValueError;
    use pyo3::types::{IntoPyDict, PyAnyMethods};
    use pyo3::{IntoPyObject, pyclass};

    use super::*;

    #[pyclass(frozen)]
    struct Holder(usize);

    struct Counts;

    static COUNTS: Definition<Counts> = Definition::new(c"counts");

    impl Method for Counts {
        type Owner = Holder;

        const PARAMETERS: &[&str] = &["first", "second", "third"];

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
    fn named_arguments_come_where_their_parameters_stand() {
        Python::initialize();
        Python::attach(|py| {
            let locals = [("counts", method(py, 2))].into_py_dict(py).unwrap();
            let told = |call: &CStr| match py.eval(call, None, Some(&locals)) {
                Ok(value) => value.to_string(),
                Err(error) => error.to_string(),
            };
            assert_eq!(told(c"counts(7, third=9, second=8)"), "(3, 9)");
            assert_eq!(told(c"counts(first=7)"), "(1, 7)");
            assert_eq!(told(c"counts(third=9)"), "(3, 9)");
            assert_eq!(told(c"counts(7, 8, **{})"), "(2, 8)");
            assert_eq!(told(c"counts(7, first=8)"), "TypeError: 'first' was given twice");
            assert_eq!(
                told(c"counts(7, fourth=8)"),
                "TypeError: there is no parameter 'fourth', only first, second, third"
            );
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
