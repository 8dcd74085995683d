//! How planes lie in scratch memory: split into phases, and results with the row pitch of a phase.

use super::super::super::float::Float;
use super::super::axis::Axis;

/// Elements that are summed at once. Buffers are longer by as many, so that loops have no remainder.
pub(super) const LANES: usize = 32;

/// Where a kernel element reads the input.
#[derive(Debug, Clone, Copy)]
pub(super) struct KernelElement {
    pub phase: usize,
    /// Index in the phase for the first output position.
    pub start: usize,
}

/// The geometry of a plane.
#[derive(Debug, Clone, Copy)]
pub(super) struct Layout {
    /// Height and width.
    pub axes: [Axis; 2],
}

/// The phases of a plane, one after the other.
pub(super) struct Phases<T> {
    elements: Vec<T>,
    /// Elements of one phase.
    each: usize,
}

impl<T> Phases<T> {
    #[inline(always)]
    pub fn phase(&self, phase: usize) -> &[T] {
        &self.elements[phase * self.each..][..self.each]
    }

    #[inline(always)]
    pub fn phase_mut(&mut self, phase: usize) -> &mut [T] {
        &mut self.elements[phase * self.each..][..self.each]
    }
}

/// A part of a row that lies in one phase.
struct RowRun {
    phase: usize,
    /// Where it starts in the phase.
    phase_start: usize,
    /// Where it starts in the plane.
    plane_start: usize,
    length: usize,
}

impl Layout {
    /// Elements of a plane of the input.
    pub fn input(&self) -> usize {
        self.axes[0].input * self.axes[1].input
    }

    /// Elements of a plane of the output.
    pub fn output(&self) -> usize {
        self.axes[0].extent.output * self.axes[1].extent.output
    }

    /// Elements of the kernel of a channel.
    pub fn kernel(&self) -> usize {
        self.axes[0].extent.kernel * self.axes[1].extent.kernel
    }

    /// Elements from one row of a phase to the next.
    pub fn row_pitch(&self) -> usize {
        self.axes[1].phase_length()
    }

    /// Elements of a phase.
    pub fn phase_size(&self) -> usize {
        self.axes[0].phase_length() * self.row_pitch()
    }

    /// Number of phases.
    pub fn phase_count(&self) -> usize {
        self.axes[0].extent.stride * self.axes[1].extent.stride
    }

    /// Elements from the first of a pitched result to its last.
    pub fn pitched_output(&self) -> usize {
        (self.axes[0].extent.output - 1) * self.row_pitch() + self.axes[1].extent.output
    }

    /// Where each kernel element reads, row by row.
    pub fn kernel_elements(&self) -> Vec<KernelElement> {
        let [rows, columns] = self.axes;
        (0..self.kernel())
            .map(|element| {
                let (row_phase, row) = rows.phase_of(element / columns.extent.kernel);
                let (column_phase, column) = columns.phase_of(element % columns.extent.kernel);
                KernelElement {
                    phase: row_phase * columns.extent.stride + column_phase,
                    start: row * self.row_pitch() + column,
                }
            })
            .collect()
    }

    /// Phases of zeros.
    pub fn phases<T: Float>(&self) -> Phases<T> {
        let each = self.phase_size() + LANES;
        Phases {
            elements: vec![T::default(); self.phase_count() * each],
            each,
        }
    }

    #[inline(always)]
    fn for_each_run(&self, mut visit: impl FnMut(RowRun)) {
        let [rows, columns] = self.axes;
        let pitch = self.row_pitch();
        for row_phase in 0..rows.extent.stride {
            let down = rows.run(row_phase);
            for row in 0..down.length {
                for column_phase in 0..columns.extent.stride {
                    let right = columns.run(column_phase);
                    let plane_row = down.input_start + row * rows.extent.stride;
                    if right.length > 0 {
                        visit(RowRun {
                            phase: row_phase * columns.extent.stride + column_phase,
                            phase_start: (down.phase_start + row) * pitch + right.phase_start,
                            plane_start: plane_row * columns.input + right.input_start,
                            length: right.length,
                        });
                    }
                }
            }
        }
    }

    /// Splits a plane into its phases; what lies in the padding stays as it is.
    #[inline(always)]
    pub fn split<T: Float>(&self, plane: &[T], phases: &mut Phases<T>) {
        let stride = self.axes[1].extent.stride;
        self.for_each_run(|run| {
            let to = &mut phases.phase_mut(run.phase)[run.phase_start..][..run.length];
            if stride == 1 {
                to.copy_from_slice(&plane[run.plane_start..][..run.length]);
            } else {
                let from = plane[run.plane_start..].iter().step_by(stride);
                to.iter_mut().zip(from).for_each(|(to, from)| *to = *from);
            }
        });
    }

    /// Joins the phases of a plane.
    #[inline(always)]
    pub fn join<T: Float>(&self, phases: &Phases<T>, plane: &mut [T]) {
        let stride = self.axes[1].extent.stride;
        self.for_each_run(|run| {
            let from = &phases.phase(run.phase)[run.phase_start..][..run.length];
            if stride == 1 {
                plane[run.plane_start..][..run.length].copy_from_slice(from);
            } else {
                let to = plane[run.plane_start..].iter_mut().step_by(stride);
                to.zip(from).for_each(|(to, from)| *to = *from);
            }
        });
    }

    /// Copies the rows of a result to the row pitch of a phase; what lies between them stays.
    #[inline(always)]
    pub fn pitch_rows<T: Float>(&self, result: &[T], pitched: &mut [T]) {
        let rows = result.chunks_exact(self.axes[1].extent.output);
        for (row, to) in rows.zip(pitched.chunks_mut(self.row_pitch())) {
            to[..row.len()].copy_from_slice(row);
        }
    }
}
